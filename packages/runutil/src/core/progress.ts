/** How far a run has got, as its code last reported. */
export interface Progress {
  /** In units of its own choice, as of `total`: 0 or more. */
  readonly done: number
  /** Undefined when it isn't known how much there is to do. */
  readonly total?: number
  /** The text passed to `reportProgress`, if there was one. */
  readonly note?: string
  /** When it was reported. */
  readonly at: Date
}

/** Follows the progress of one run. */
export interface ProgressListener {
  /** Called with each report. */
  progressed(progress: Progress): void
}
