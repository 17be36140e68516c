import type { Duration } from '../core/duration.ts'
import type { Progress } from '../core/progress.ts'
import type { TransactionHandle } from '../core/queryable.ts'

/** PENDING, also while running, until one of the others, which are final unless an operator retries a FAILED or PANIC job. */
export type JobStatus = 'PENDING' | 'DONE' | 'FAILED' | 'PANIC'

/** A job as it is stored. */
export interface QueuedJob<P = unknown, R = unknown> {
  readonly id: string
  /** In lower case. */
  readonly kind: string
  /** The job doesn't start before this time. */
  readonly runAt: Date
  /** JSON, as it was enqueued; null without one. */
  readonly payload: P
  readonly status: JobStatus
  readonly createdAt: Date
  /** When it was last stored, settled or changed by an operator; claims and renewals change nothing. */
  readonly updatedAt: Date
  /** What the handler returned; only for a DONE job. */
  readonly result?: R
  /** How many attempts its handler has ended. */
  readonly attemptsDone: number
  /** When the last attempt that `attemptsDone` counts was claimed. */
  readonly lastAttemptAt?: Date
  /** Why the last attempt failed; begins with 'retryable-error: ' after a RetryableError, with 'panic: ' after a panic. */
  readonly lastError?: string
  /** What the handler of its last attempts passed to `reportProgress`, as of the last renewal of its lease. */
  readonly progress?: Progress
  /** The errors of its last five failed attempts, oldest first; kept when the job is DONE. Only from `get` and `list`. */
  readonly errors?: readonly AttemptError[]
  /** When the job became DONE, FAILED or PANIC. */
  readonly endedAt?: Date
  /** Higher first. */
  readonly priority: number
  /** What `keyConcurrency` counts by. */
  readonly key?: string
  /** The unique key that it was enqueued with, whether it still holds that or not. Only from `get` and `list`. */
  readonly unique?: UniqueKey
  /** The ids of the jobs that it runs after. Only from `get` and `list`. */
  readonly after?: readonly string[]
  /** Those of them that it still waits for, while it is blocked. Only from `get`. */
  readonly waitsFor?: readonly string[]
  /** The W3C trace context of the span that sent it, if there was one: see `instrument` of runutil/otel. */
  readonly traceparent?: string
}

/** The most characters of an error in a summary. */
export const LONGEST_SUMMARY_ERROR = 2_000

/** A job in a list of many: without payload, result and errors, which may be large. Of `lastError`, at most 2,000 characters. */
export type JobSummary = Omit<QueuedJob, 'payload' | 'result' | 'errors' | 'traceparent'>

/** How an attempt failed, or why a job ended without one. */
export interface AttemptError {
  /** When it was recorded. */
  readonly at: Date
  /** The number of the attempt, as `ClaimedJob.attempt`. */
  readonly attempt: number
  /** What was then the job's `lastError`; of a longer one, the first 4,000 characters. */
  readonly message: string
}

/** Which jobs a job runs after, as `enqueue` takes it. */
export type AfterInput = string | readonly string[] | AfterOptions

/** The jobs that one runs after, and what has to have become of them. */
export interface AfterOptions {
  /** One id or several, at most 1,000: of stored jobs, or of others of the same call. */
  readonly ids: string | readonly string[]
  /** `done`: when all of them are DONE. `end`: when all have ended, however they did. Default `done`. */
  readonly on?: 'done' | 'end' | undefined
}

/** What `enqueue` takes. More fields, such as a stored job's status and attempts, are ignored. */
export interface JobInput<P = unknown> {
  /** Unique in the whole queue; 1 to 500 characters. Default: a UUID (v7) that is greater than all before it in this process. */
  readonly id?: string | undefined
  /** Selects the handler; 1 to 200 characters, stored in lower case. */
  readonly kind: string
  /** Any JSON value, up to 4 MiB of JSON. Default null. */
  readonly payload?: P
  /** When to run. Default: now, also for a time in the past. */
  readonly runAt?: Date
  /** How long after the call to run, by the store's clock; instead of `runAt`. */
  readonly delay?: Duration | undefined
  /** Higher first, a 32-bit integer. Default 0. */
  readonly priority?: number
  /** The tenant or resource of the job, which `keyConcurrency` counts by; 1 to 300 characters. */
  readonly key?: string
  /**
   * A key, of 1 to 300 characters, that at most one job of the kind has: until 'started', one that waits; until 'ended', one that
   * waits or whose handler runs. Default 'ended'; with `onExists: 'replace'`, 'started'. See docs/unique-jobs.md.
   */
  readonly unique?:
    string | { readonly key: string; readonly until?: 'started' | 'ended' | undefined } | undefined
  /**
   * Ids of jobs that it runs after, at most 1,000: stored ones or others of the same call. It runs when all of them are DONE, or with
   * `on: 'end'` when all have ended. When one of them fails, it ends as FAILED without `on: 'end'`. See docs/job-graphs.md.
   */
  readonly after?: AfterInput | undefined
}

/** What `enqueue` does with a job that is there already. */
export type OnExists = 'fail' | 'skip' | 'replace'

/** The key of which at most one job of its kind holds, and until when: until its first claim, or until its end. */
export interface UniqueKey {
  readonly key: string
  /** 'started': its first claim. 'ended': its end, and that of its handler. */
  readonly until: 'started' | 'ended'
}

/** How `enqueue` stores jobs. */
export interface EnqueueOptions {
  /** The caller's own transaction, in the store's database: the jobs exist once it commits. */
  readonly tx?: TransactionHandle | undefined
  /**
   * What happens to a job whose id exists, or whose unique key another job holds (the id decides if both are there): the call
   * fails and stores nothing; the job is skipped; or it replaces payload, runAt, priority and key of one that waits, and is
   * skipped if that runs or has ended. Default 'fail'.
   */
  readonly onExists?: OnExists | undefined
  /** A job that is replaced runs no later than this after its `createdAt`. Default: no limit. */
  readonly maxDelay?: Duration | undefined
}

/** What became of a job that was enqueued. */
export interface Enqueued {
  /** The given id, trimmed, or the generated one; of a job that is skipped or replaces another, that of the job that is there. */
  readonly id: string
  /** 'skipped' and 'replaced' are what `onExists` does with a job that is there already. */
  readonly outcome: 'stored' | 'skipped' | 'replaced'
}

/** A job that one process holds under a lease, as a store gives it out. */
export interface LeasedJob<P = unknown, R = unknown> extends QueuedJob<P, R> {
  /** The fencing token, which increases with every claim. Settling under an older one changes nothing. */
  readonly claim: number
  /** The number of this attempt since the job was enqueued; attempts that a stop or a crash ended aren't counted. */
  readonly attempt: number
  /** How often in a row a process died, or lost its lease, while it held this job. */
  readonly crashes: number
  /** The length of its payload as JSON, in bytes; undefined up to 512. */
  readonly payloadBytes?: number
  /** The store's own: where the job is within its claim. */
  readonly place?: number
}

/** A job as its handler receives it. */
export interface ClaimedJob<P = unknown, R = unknown> extends LeasedJob<P, R> {
  /** Whether an error that isn't a RetryableError ends the job: `attempt` has reached the `attempts` of its kind. */
  readonly isLastAttempt: boolean
  /** The results of the jobs that it runs directly after, by their ids; of DONE ones. Asks the store at each call. */
  readonly dependencies: () => Promise<Record<string, unknown>>
}
