// What an operator's calls change, as stores take it.

/** Which jobs a `cancel` leaves alone. */
export interface CancelOptions {
  /** Whether running jobs are left as they are. Default false. */
  readonly onlyWaiting?: boolean | undefined
}

/** A job to be retried by an operator. */
export interface JobRetry {
  readonly id: string
  /** As JSON; undefined: unchanged. */
  readonly payload?: string | undefined
}

/** A job that was retried by an operator. */
export interface RetriedJob {
  readonly id: string
  readonly kind: string
}

/** What changes of a waiting job; undefined: unchanged. */
export interface JobChange {
  readonly runAt?: Date | undefined
  /** How long after the change to run; instead of `runAt`. */
  readonly delayMs?: number | undefined
  readonly priority?: number | undefined
  /** As JSON. */
  readonly payload?: string | undefined
}
