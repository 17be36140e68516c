import { Histogram, bucketNear } from './histogram.ts'

/** The counts of so many adjacent buckets fit into one small integer, each up to MOST. */
const WIDTH = 7
const BITS = 4
const MOST = 2 ** BITS - 1

/** The last run of a worker, and the durations of all its runs. Created at its first run: an idle worker needs none. */
export class LastRun {
  /** When it began, on the scale of `clock.elapsed()`. */
  since = NaN
  durationMs = NaN
  hasFailed = false
  /** Of all runs together. */
  totalMs = 0
  /**
   * The last durations, which aren't in the histogram yet: counts of the buckets from `#first` on. Successive runs are alike, and
   * with many workers each look into a histogram waits for memory.
   */
  #recent = 0
  #first = 0
  #latency: Histogram | undefined

  /** Then its next one is taken to be short too, where reading the time would cost half as much as the run. */
  get wasShort(): boolean {
    return this.durationMs < 1
  }

  ended(since: number, durationMs: number, hasFailed: boolean): void {
    this.since = since
    this.durationMs = durationMs
    this.hasFailed = hasFailed
    this.totalMs += durationMs
    const bucket = bucketNear(durationMs, this.#first + (WIDTH >> 1))
    const at = bucket - this.#first
    if (at < 0 || at >= WIDTH || this.#countAt(at) === MOST) this.#flush(Math.max(0, bucket - (WIDTH >> 1)))
    this.#recent += 1 << (BITS * (bucket - this.#first))
  }

  get latency(): Histogram {
    this.#flush(this.#first)
    return this.#latency!
  }

  #countAt(at: number): number {
    return (this.#recent >> (BITS * at)) & MOST
  }

  #flush(first: number): void {
    this.#latency ??= new Histogram()
    for (let at = 0; at < WIDTH; at++) {
      const count = this.#countAt(at)
      if (count > 0) this.#latency.addTo(this.#first + at, count)
    }
    this.#recent = 0
    this.#first = first
  }
}
