/** The ratio of the widths of two adjacent buckets; percentiles are accurate to half of it. */
const GROWTH = 1.1
const FIRST_MS = 0.01
/** Buckets per unit of the natural logarithm. */
const BUCKETS_PER_E = 1 / Math.log(GROWTH)
/** The last bucket begins at about three hours. */
const LAST = 219

/**
 * Durations, counted in buckets that grow: 60 ns to add one, and percentiles to 5 %. Only buckets from the shortest to the
 * longest are kept: the runs of one worker are alike, and there may be 100,000 workers.
 */
export class Histogram {
  readonly #counts: number[] = []
  #first = 0
  #total = 0

  add(ms: number): void {
    const bucket = ms <= FIRST_MS ? 0 : Math.ceil(Math.log(ms / FIRST_MS) * BUCKETS_PER_E)
    const at = Math.min(bucket, LAST) - this.#first
    if (at < 0 || at >= this.#counts.length) this.#widen(Math.min(bucket, LAST))
    else this.#counts[at]!++
    this.#total++
  }

  #widen(bucket: number): void {
    const counts = this.#counts
    if (counts.length === 0) this.#first = bucket
    for (; this.#first > bucket; this.#first--) counts.unshift(0)
    while (counts.length <= bucket - this.#first) counts.push(0)
    counts[bucket - this.#first]!++
  }

  /** The duration that this share of all stayed within. @param share 0 to 1 */
  percentile(share: number): number {
    let left = share * this.#total
    for (const [at, count] of this.#counts.entries()) {
      left -= count
      if (left <= 0 && count > 0) return FIRST_MS * GROWTH ** (this.#first + at)
    }
    return 0
  }
}
