import { Histogram } from './histogram.ts'

/** The last run of a worker, and the durations of all its runs. Created at its first run: an idle worker needs none. */
export class LastRun {
  /** When it began, on the scale of `clock.elapsed()`. */
  since = NaN
  durationMs = NaN
  hasFailed = false
  readonly latency = new Histogram()

  ended(since: number, durationMs: number, hasFailed: boolean): void {
    this.since = since
    this.durationMs = durationMs
    this.hasFailed = hasFailed
    this.latency.add(durationMs)
  }
}
