/** PENDING until one of the others, which are final. A running job is PENDING too. */
export type JobStatus = 'PENDING' | 'DONE' | 'FAILED' | 'PANIC'

/** A job as it is stored. */
export interface QueuedJob<P = unknown, R = unknown> {
  readonly id: string
  readonly kind: string
  /** It doesn't start before. */
  readonly runAt: Date
  readonly payload: P
  readonly status: JobStatus
  readonly createdAt: Date
  readonly updatedAt: Date
  /** What the handler returned; of a DONE job only. */
  readonly result?: R
  /** How often its handler ran to an end. */
  readonly attemptsDone: number
  readonly lastAttemptAt?: Date
  /** Why it didn't end well the last time: of a retried job, it begins with 'retryable-error: '; of a PANIC, 'panic: '. */
  readonly lastError?: string
}

/** What `enqueue` takes. More fields, such as a stored job's status and attempts, are ignored. */
export interface JobInput<P = unknown> {
  /** Unique in the whole queue; 1 to 500 characters. */
  readonly id: string
  /** What handler it is for; 1 to 200 characters, stored in lower case. */
  readonly kind: string
  /** Any JSON value, up to 4 MiB of JSON; left out, it is null. */
  readonly payload?: P
  /** Default, and if it is over: now. */
  readonly runAt?: Date
  /** Higher first, a 32-bit integer. Default 0. */
  readonly priority?: number
  /** The tenant or resource that it is for: what `keyConcurrency` counts by; 1 to 300 characters. */
  readonly key?: string
}

/** A job that one process holds under a lease. */
export interface ClaimedJob<P = unknown, R = unknown> extends QueuedJob<P, R> {
  /** The fence: a number that only grows. What is settled under an older one changes nothing. */
  readonly claim: number
  readonly priority: number
  readonly key?: string
  /** How often in a row a process died, or lost its lease, while it held this job. */
  readonly crashes: number
  /** How long its payload is as JSON, in bytes; only of more than 512. */
  readonly payloadBytes?: number
}
