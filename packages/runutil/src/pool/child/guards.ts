import { Console } from 'node:console'

/** Signals sent to all processes of a service or terminal at once; ignored, since the pool decides when a worker ends. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Ignores the signals above. @returns a function that restores them */
export function ignoreSignals(): () => void {
  const ignore = (): void => {}
  for (const signal of SIGNALS) process.on(signal, ignore)
  return () => {
    for (const signal of SIGNALS) process.off(signal, ignore)
  }
}

/** Redirects the global console to stderr, since stdout is the relay. */
export function redirectConsole(): void {
  const target = globalThis.console as unknown as Record<string, unknown>
  const other = new Console(lateStderr) as unknown as Record<string, unknown>
  for (const [name, method] of Object.entries(other)) {
    if (typeof method === 'function' && typeof target[name] === 'function') target[name] = method
  }
}

/** Opens stderr on first use: accessing it changes the descriptor's mode, after which direct writes may fail. */
const lateStderr = {
  write: (text: string) => process.stderr.write(text),
  on: nothing,
  once: nothing,
  removeListener: nothing,
  listenerCount: () => 0,
} as unknown as NodeJS.WritableStream

function nothing(): void {}
