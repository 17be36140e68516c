import type { Timer } from './clock.ts'

/** Keeps the process alive until cleared: neither an AbortSignal nor a signal handler does. */
export function keepAlive(): Pick<Timer, 'clear'> {
  const handle = setInterval(() => {}, 2 ** 30)
  return { clear: () => clearInterval(handle) }
}

/** One real turn of the event loop, whatever the clock: timers, I/O and signal handlers get to run. */
export function macrotask(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** Calls back in the next turn of the event loop, which doesn't sleep before it. */
export function nextTurn(callback: () => void): void {
  setImmediate(callback)
}

/** Calls back after `ms`; unlike a timer of the clock, it does not keep the process alive. */
export function unrefTimeout(callback: () => void, ms: number): void {
  setTimeout(callback, ms).unref()
}
