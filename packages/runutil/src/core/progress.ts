/** How far a run has got, as its code last reported. */
export interface Progress {
  readonly done: number
  /** Undefined when it isn't known how much there is to do. */
  readonly total?: number
  readonly note?: string
  /** When it was reported. */
  readonly at: Date
}

/** Follows the progress of one run. */
export interface ProgressListener {
  /** Called with each report. */
  progressed(progress: Progress): void
}
