import { systemClock } from './clock-system.ts'
import type { Clock, Timer } from './clock.ts'

/** Calls back at an interval until cleared. Unlike a timer of the clock, it does not keep the process alive. */
export function setBackgroundInterval(
  clock: Clock,
  callback: () => void,
  everyMs: number,
): Pick<Timer, 'clear'> {
  if (clock !== systemClock) {
    const timer = clock.setTimeout(() => {
      timer.restartAt(clock.elapsed() + everyMs)
      callback()
    }, everyMs)
    return timer
  }
  const handle = setInterval(callback, everyMs)
  handle.unref()
  return { clear: () => clearInterval(handle) }
}
