/** The most characters that are sent to a store in one statement, unless one item has more. */
export const MOST_CHARACTERS = 8 * 2 ** 20

/** How many of the first items have at most `most` together: one in any case, if there is one. */
export function countWithin<T>(
  items: readonly T[],
  weigh: (item: T) => number,
  most = MOST_CHARACTERS,
): number {
  let sum = 0
  for (let at = 0; at < items.length; at++) {
    sum += weigh(items[at]!)
    if (sum > most) return Math.max(1, at)
  }
  return items.length
}
