/** The most characters sent to a store in one statement, unless a single item has more. */
export const MOST_CHARACTERS = 8 * 2 ** 20

/** How many of the first items have a total weight of at most `most`; at least one if there are any. */
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
