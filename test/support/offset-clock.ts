import type { Clock } from 'runutil'

/** A clock whose time of day differs from that of another by `ms`. */
export function offsetClock(clock: Clock, ms: number): Clock {
  return {
    now: () => clock.now() + ms,
    elapsed: () => clock.elapsed(),
    random: () => clock.random(),
    setTimeout: (callback, delayMs) => clock.setTimeout(callback, delayMs),
    setTimeoutAt: (callback, elapsedMs) => clock.setTimeoutAt(callback, elapsedMs),
  }
}
