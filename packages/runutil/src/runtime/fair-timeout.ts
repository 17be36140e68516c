import type { Clock, Timer } from '../core/clock.ts'

/**
 * As the clock's `setTimeout`, for deadlines. If the timer itself fires late by more than half its time, the loop was blocked,
 * the machine slept or a debugger held it, so it starts over.
 */
export function fairTimeout(clock: Clock, ms: number, callback: () => void): Pick<Timer, 'clear'> {
  let due = clock.elapsed() + ms
  const timer = clock.setTimeout(() => {
    const now = clock.elapsed()
    if (now - due <= ms / 2 + ROUNDING_MS) return callback()
    due = now + ms
    timer.restartAt(due)
  }, ms)
  return timer
}

/** Timers are always a little late. */
const ROUNDING_MS = 50
