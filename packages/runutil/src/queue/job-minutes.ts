import type { HistogramCounts } from '../core/histogram.ts'

export const MINUTE_MS = 60_000

/** Buckets per doubling of the histograms: an error of 2.2 %. */
export const BUCKETS = 16

/** Durations of so many minutes are stored together: an hour of many kinds is then read fast. */
export const SLICE_MINUTES = 10

/** For how long a store keeps minutes, at least. */
export const KEPT_MINUTES = 120

/** What attempts at jobs of one kind in one process came to in one minute. */
export interface KindMinute {
  readonly kind: string
  /** How long ago its middle was, in ms; of a minute that isn't over, the middle of what has passed. */
  readonly agoMs: number
  readonly done: number
  /** FAILED or PANIC. */
  readonly failed: number
  /** Failed, and to be tried again. */
  readonly retried: number
  /** How long handlers took, counted in buckets of which 16 are from one duration to its double; the first is 0.01 ms. */
  readonly handle: HistogramCounts
  /** The same for how long jobs waited from their `runAt` to the start of their handlers. */
  readonly wait: HistogramCounts
}
