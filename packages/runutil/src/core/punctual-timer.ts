import type { Clock, Timer } from './clock.ts'

/** One that wakes later than that, as a part of its time, has not been watching. */
const LATE = 0.5

/**
 * Calls back after `ms` in which this process was able to look: a timer that wakes late by more than half its time, since the
 * loop was blocked, the machine slept or a debugger held it, starts over. So what it watches isn't blamed for that.
 */
export function punctualTimer(clock: Clock, ms: number, callback: () => void): Timer {
  let due = clock.elapsed() + ms
  const timer = clock.setTimeout(() => {
    if (isLate(clock.elapsed() - due, ms)) timer.restartAt((due = clock.elapsed() + ms))
    else callback()
  }, ms)
  return {
    clear: () => timer.clear(),
    restartAt: (elapsedMs) => timer.restartAt((due = elapsedMs)),
  }
}

/** Whether a timer of `ms` that wakes so late accuses nobody. */
export function isLate(lateMs: number, ms: number): boolean {
  return lateMs > ms * LATE
}
