import { systemClock } from './clock-system.ts'
import type { Clock, Timer } from './clock.ts'

/** A custom clock may support background timers, which it does not wait for; used as `setTimeoutAt`. */
export const setInBackground = Symbol.for('runutil.setInBackground')

type BackgroundClock = Clock & Partial<Record<typeof setInBackground, Clock['setTimeoutAt']>>

/** Calls back at an interval until cleared. Unlike a timer of the clock, it does not keep the process alive. */
export function setBackgroundInterval(
  clock: Clock,
  callback: () => void,
  everyMs: number,
): Pick<Timer, 'clear'> {
  if (clock !== systemClock) return repeatedly(clock, callback, everyMs)
  const handle = setInterval(callback, everyMs)
  handle.unref()
  return { clear: () => clearInterval(handle) }
}

function repeatedly(clock: BackgroundClock, callback: () => void, everyMs: number): Timer {
  const again = (): void => {
    timer.restartAt(clock.elapsed() + everyMs)
    callback()
  }
  const first = clock.elapsed() + everyMs
  const timer = clock[setInBackground]?.(again, first) ?? clock.setTimeoutAt(again, first)
  return timer
}
