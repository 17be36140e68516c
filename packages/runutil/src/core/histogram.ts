/** Each bucket is wider than the one before by this; a percentile is off by half of that at most. */
const GROWTH = 1.1
const FIRST_MS = 0.01
/** The last bucket begins at some three hours. */
const BUCKETS = 220

/** Durations, counted in buckets that grow: 60 ns to add one, and percentiles to 5 %. */
export class Histogram {
  readonly #counts = new Uint32Array(BUCKETS)
  #total = 0

  add(ms: number): void {
    const at = ms <= FIRST_MS ? 0 : Math.ceil(Math.log(ms / FIRST_MS) / Math.log(GROWTH))
    this.#counts[Math.min(at, BUCKETS - 1)]!++
    this.#total++
  }

  /** The duration that this share of all stayed within. @param share 0 to 1 */
  percentile(share: number): number {
    let left = share * this.#total
    for (const [at, count] of this.#counts.entries()) {
      left -= count
      if (left <= 0 && count > 0) return FIRST_MS * GROWTH ** at
    }
    return 0
  }
}
