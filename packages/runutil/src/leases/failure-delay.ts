/** The delay from a failed run to the next run. It doubles with each consecutive failure, up to the longest. */
export const FIRST_DELAY_MS = 1_000
export const LONGEST_DELAY_MS = 60_000
/** The number of doublings after which the delay is the longest. */
export const MOST_DOUBLINGS = 6

/** @param failures consecutive failures, at least 1 @param everyMs the interval, which the delay never exceeds */
export function failureDelayMs(failures: number, everyMs: number): number {
  const doubled = FIRST_DELAY_MS * 2 ** Math.min(MOST_DOUBLINGS, failures - 1)
  return Math.min(everyMs, LONGEST_DELAY_MS, doubled)
}
