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
  /** The bucket of the last durations, and how many of them are counted nowhere else yet: successive runs are alike. */
  #bucket = 0
  #pending = 0
  /**
   * Counts of the buckets from `#first` on that aren't in the histogram yet: with many workers, each look into a histogram waits for
   * memory.
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
    const bucket = bucketNear(durationMs, this.#bucket)
    if (bucket !== this.#bucket) this.#goTo(bucket)
    this.#pending++
  }

  get latency(): Histogram {
    this.#flush()
    return this.#latency!
  }

  #goTo(bucket: number): void {
    const at = this.#bucket - this.#first
    const hasRoom = at >= 0 && at < WIDTH && this.#countAt(at) + this.#pending <= MOST
    if (hasRoom) this.#recent += this.#pending << (BITS * at)
    else this.#flush()
    this.#bucket = bucket
    this.#pending = 0
  }

  #countAt(at: number): number {
    return (this.#recent >> (BITS * at)) & MOST
  }

  #flush(): void {
    this.#latency ??= new Histogram()
    for (let at = 0; at < WIDTH; at++) this.#add(this.#first + at, this.#countAt(at))
    this.#add(this.#bucket, this.#pending)
    this.#recent = 0
    this.#pending = 0
    this.#first = Math.max(0, this.#bucket - (WIDTH >> 1))
  }

  #add(bucket: number, count: number): void {
    if (count > 0) this.#latency!.addTo(bucket, count)
  }
}
