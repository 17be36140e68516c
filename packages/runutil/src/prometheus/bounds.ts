/** The first bound is so many doublings of 0.01 ms: 0.64 ms. */
const FIRST_DOUBLINGS = 6
/** Each bound is four times the one before, up to 45 minutes. */
const DOUBLINGS_APART = 2
/** Of histograms, in seconds, as text; without '+Inf'. */
export const BOUNDS: readonly string[] = Array.from({ length: 12 }, (_, at) => {
  return String(Number((1e-5 * 2 ** (FIRST_DOUBLINGS + at * DOUBLINGS_APART)).toPrecision(6)))
})

/** A bucket of a `Histogram` begins at most so many doublings after the first. */
const MOST_DOUBLINGS = 40

/** By how many buckets are from one duration to its double: of each bucket, the number of the bound that it is under. */
const byPerDoubling = new Map<number, Uint8Array>()

/** Of each bucket of a `Histogram`, the number of the bound that it is under; BOUNDS.length stands for none. */
export function boundsOfBuckets(perDoubling: number): Uint8Array {
  let bounds = byPerDoubling.get(perDoubling)
  if (bounds === undefined) {
    bounds = Uint8Array.from({ length: MOST_DOUBLINGS * perDoubling }, (_, bucket) => {
      const doublings = bucket / perDoubling - FIRST_DOUBLINGS
      return Math.min(Math.max(0, Math.ceil(doublings / DOUBLINGS_APART)), BOUNDS.length)
    })
    byPerDoubling.set(perDoubling, bounds)
  }
  return bounds
}
