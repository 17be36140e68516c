const FIRST_MS = 0.01
/** The last bucket begins at about a month. */
const DOUBLINGS = 38
/** How many buckets a Histogram has from one duration to its double, if nothing else is asked for. */
export const PER_DOUBLING = 7

/** The number of the bucket of a duration. */
export function bucketOf(ms: number, perDoubling: number): number {
  if (ms <= FIRST_MS) return 0
  return Math.ceil(Math.min(Math.log2(ms / FIRST_MS), DOUBLINGS) * perDoubling)
}

const LAST_OF_BUCKETS = Array.from(
  { length: DOUBLINGS * PER_DOUBLING + 1 },
  (_, bucket) => FIRST_MS * 2 ** (bucket / PER_DOUBLING),
)

/** As `bucketOf`, for PER_DOUBLING, but cheaper where the bucket is close to the one that is expected. */
export function bucketNear(ms: number, expected: number): number {
  let bucket = expected
  while (ms > LAST_OF_BUCKETS[bucket]! && bucket < LAST_OF_BUCKETS.length - 1) bucket++
  while (bucket > 0 && ms <= LAST_OF_BUCKETS[bucket - 1]!) bucket--
  return bucket
}

/** Counts of adjacent buckets of a Histogram. */
export interface HistogramCounts {
  /** The number of the first bucket. */
  readonly first: number
  readonly counts: readonly number[]
}

/**
 * Durations, counted in buckets that grow: 20 ns to add one. Only buckets from the shortest to the longest are kept: the runs of one
 * worker are alike, and there may be 100,000 workers.
 */
export class Histogram {
  #counts: number[] = []
  readonly #perDoubling: number
  #first = 0
  #total = 0

  /** @param perDoubling buckets from one duration to its double: with 7, percentiles have an error of 5.1 %, with 16 of 2.2 % */
  constructor(perDoubling = PER_DOUBLING) {
    this.#perDoubling = perDoubling
  }

  /** How many durations it has. */
  get total(): number {
    return this.#total
  }

  get counts(): HistogramCounts {
    return { first: this.#first, counts: this.#counts }
  }

  add(ms: number): void {
    this.addTo(bucketOf(ms, this.#perDoubling), 1)
  }

  /** Adds what another histogram with as many buckets per doubling has counted. */
  addCounts({ first, counts }: HistogramCounts): void {
    if (this.#counts.length === 0) return this.#copy(first, counts)
    for (let at = 0; at < counts.length; at++) if (counts[at]! > 0) this.addTo(first + at, counts[at]!)
  }

  #copy(first: number, counts: readonly number[]): void {
    this.#first = first
    this.#counts = counts.slice()
    for (let at = 0; at < counts.length; at++) this.#total += counts[at]!
  }

  /** @param bucket that of `bucketOf`, for as many buckets from one duration to its double */
  addTo(bucket: number, count: number): void {
    const at = bucket - this.#first
    if (at >= 0 && at < this.#counts.length) this.#counts[at]! += count
    else this.#widen(bucket, count)
    this.#total += count
  }

  #widen(bucket: number, count: number): void {
    const counts = this.#counts
    if (counts.length === 0) this.#first = bucket
    for (; this.#first > bucket; this.#first--) counts.unshift(0)
    while (counts.length <= bucket - this.#first) counts.push(0)
    counts[bucket - this.#first]! += count
  }

  /** The duration that this share of all stayed within: the middle of its bucket. @param share 0 to 1 */
  percentile(share: number): number {
    let left = share * this.#total
    for (const [at, count] of this.#counts.entries()) {
      left -= count
      if (left <= 0 && count > 0) return this.#middleOf(this.#first + at)
    }
    return 0
  }

  #middleOf(bucket: number): number {
    return bucket === 0 ? FIRST_MS : FIRST_MS * 2 ** ((bucket - 0.5) / this.#perDoubling)
  }
}
