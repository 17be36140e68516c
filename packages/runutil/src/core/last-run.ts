import { Histogram, bucketNear } from './histogram.ts'

/** The last run of a worker, and the durations of all its runs. Created at its first run: an idle worker needs none. */
export class LastRun {
  /** When it began, on the scale of `clock.elapsed()`. */
  since = NaN
  durationMs = NaN
  hasFailed = false
  /** Of all runs together. */
  totalMs = 0
  /** The bucket of the last durations, and how many of them aren't in the histogram yet: successive runs are alike. */
  #bucket = 0
  #pending = 0
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
    if (bucket !== this.#bucket) this.#flush(bucket)
    this.#pending++
  }

  get latency(): Histogram {
    this.#flush(this.#bucket)
    return this.#latency!
  }

  #flush(bucket: number): void {
    this.#latency ??= new Histogram()
    if (this.#pending > 0) this.#latency.addTo(this.#bucket, this.#pending)
    this.#pending = 0
    this.#bucket = bucket
  }
}
