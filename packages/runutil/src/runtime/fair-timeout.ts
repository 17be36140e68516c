import type { Clock, Timer } from '../core/clock.ts'

/**
 * As the clock's `setTimeout`, for what accuses somebody of being late. If the timer itself is late by more than half its
 * time, the loop was blocked, the machine slept or a debugger held it: nobody had the time, so it starts over.
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

/** Timers are a little late always. */
const ROUNDING_MS = 50
