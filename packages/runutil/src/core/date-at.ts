import type { Clock } from './clock.ts'

/** The time of day of a moment on the scale of `clock.elapsed()`, as the clock is set now. */
export function dateAt(clock: Clock, elapsedMs: number): Date {
  return new Date(Math.round(clock.now() - clock.elapsed() + elapsedMs))
}
