/** The delay from a failed run to the next one; it doubles with each failure in a row, up to the longest. */
export const FIRST_DELAY_MS = 1_000
export const LONGEST_DELAY_MS = 60_000
/** After so many doublings it is the longest. */
export const MOST_DOUBLINGS = 6

/** @param failures in a row, one at least @param everyMs the interval, which it never exceeds */
export function failureDelayMs(failures: number, everyMs: number): number {
  const doubled = FIRST_DELAY_MS * 2 ** Math.min(MOST_DOUBLINGS, failures - 1)
  return Math.min(everyMs, LONGEST_DELAY_MS, doubled)
}
