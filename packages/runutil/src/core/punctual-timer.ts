import type { Clock, Timer } from './clock.ts'

/** A timer that fires later than this share of its duration is late. */
const LATE = 0.5

/**
 * A timer for watchdogs: calls back after `ms` during which this process was responsive. If it fires late by more than half its
 * duration, because the loop was blocked, the machine slept or a debugger paused the process, it starts over, so that the
 * watched work is not reported for it.
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

/** Whether a timer of `ms` fired so late that its timeout proves nothing. */
export function isLate(lateMs: number, ms: number): boolean {
  return lateMs > ms * LATE
}
