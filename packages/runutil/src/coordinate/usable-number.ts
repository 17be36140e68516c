/** Stores add and multiply these numbers; databases reject results that are too large or too close to 0. */
export const LARGEST = 1e100
export const SMALLEST = 1 / LARGEST

/** Whether it is a number that every store can calculate with. */
export function isUsableNumber(value: unknown): value is number {
  if (typeof value !== 'number') return false
  const size = Math.abs(value)
  return size === 0 || (size >= SMALLEST && size <= LARGEST)
}
