import type { Duration } from '../core/duration.ts'
import type { Progress } from '../core/progress.ts'
import type { TransactionHandle } from '../core/queryable.ts'
import type { ClaimOptions } from './claim-options.ts'
import type { Enqueued, JobStatus, JobSummary, LeasedJob, OnExists, QueuedJob, UniqueKey } from './job.ts'
import type { ParsedQuery } from './job-query.ts'
import type { KindMinute } from './job-minutes.ts'
import type { DependencyResult, JobDependencies } from './dependencies.ts'
import type { KindRules, OtherRules } from './kind-rules.ts'
import type { KindStats } from './kind-stats.ts'
import type { CancelOptions, JobChange, JobRetry, RetriedJob } from './job-operations.ts'
import type { Settlement } from './outcome.ts'
import type { OnReady } from './ready-listeners.ts'

/** A job as it is inserted: checked, its payload as JSON. */
export interface NewJob {
  readonly id: string
  readonly kind: string
  readonly payload: string
  readonly runAt: Date | undefined
  /** How long after it is stored to run; instead of `runAt`. */
  readonly delayMs?: number | undefined
  readonly priority: number
  readonly key: string | undefined
  readonly unique?: UniqueKey | undefined
  /** With a codec: the id of the job that the payload was encoded for. */
  readonly encodedFor?: string | undefined
  readonly after?: JobDependencies | undefined
  /** The trace context of the span that sends it, as W3C's `traceparent`. A job that is replaced keeps its own, unless it gets another. */
  readonly traceparent?: string | undefined
}

/** Which job, and under which claim it is held. */
export interface Held {
  readonly id: string
  readonly claim: number
  /** That of the claimed job, if it had one. */
  readonly place?: number | undefined
}

/** For calls that may take part in a transaction. */
export interface InTransaction {
  /** The caller's own transaction; only for a store in the same database. */
  readonly tx?: TransactionHandle | undefined
}

/** What to do with jobs that are there already, and in which transaction. */
export interface InsertOptions extends InTransaction {
  /** What to do with a job whose id exists, or whose unique key another job holds. Default 'fail'. */
  readonly onExists?: OnExists | undefined
  /** A job that is replaced runs no later than this after its `createdAt`. Default: no limit. */
  readonly maxDelayMs?: number | undefined
}

/** What `settleAndClaim` resolves with. */
export interface SettledAndClaimed<S extends Settlement = Settlement> {
  /** The settlements that changed nothing because their claim is lost. */
  readonly lost: S[]
  readonly jobs: LeasedJob[]
}

export interface SettleOptions extends InTransaction {
  /**
   * The jobs were settled before in a caller's transaction. While that is open, rejects at once with a
   * StoreUnavailableError.
   */
  readonly afterTransaction?: boolean | undefined
}

/** Optional properties of a store. */
export interface JobStoreFacts {
  /** The most characters of JSON in a payload or a result. Default 4 MiB. */
  readonly maxJson?: number | undefined
}

/** How many jobs there are by kind and status; RUNNING ones are not PENDING. */
export type JobCounts = Record<string, Record<JobStatus | 'RUNNING', number>>

/** Which of the jobs that a query finds. */
export interface ListPage {
  readonly limit: number
  /** The `next` of a page of the same query and store; undefined: from the first. */
  readonly after: string | undefined
}

/** A page of the jobs that a query finds. */
export interface StoredPage<J = QueuedJob> {
  readonly jobs: J[]
  /** Where the page ends; undefined when there are no more jobs. */
  readonly next: string | undefined
}

/** The initial counts of a kind. */
export function noJobs(): JobCounts[string] {
  return { PENDING: 0, RUNNING: 0, DONE: 0, FAILED: 0, PANIC: 0 }
}

/**
 * Where jobs are kept. It never runs a job and never decides on a retry: it records decisions of its callers.
 *
 * A job is *ready* when it is PENDING, its time has come and no live claim holds it. Each claim has a lease and a fencing
 * token, a number that increases with every claim; a job whose lease expired is ready again, with one more crash. Until
 * another claim takes the job, renewing, settling and releasing it under its last claim still succeed, and undo that crash;
 * under any earlier claim they change nothing.
 *
 * The store's clock may be set. Durations never become longer by that: a lease, a delay, also that of a retry, a start under a
 * rate, a worker's rules end at most their own length from the new time. A `runAt` given by a caller is a time of day, and stays.
 *
 * Every method rejects with a StoreUnavailableError when the store can't be reached for now. So do `claim`, `settle`,
 * `renew`, `release`, `limit`, `prune` and `listen`, which a worker calls and can call again, when the server fails
 * temporarily: a statement took too long, it is read-only after a failover, out of space. Other methods, and all of them in a
 * caller's transaction, reject with the server's own error.
 */
export interface JobStore {
  /**
   * Stores all jobs or none. A `runAt` that is undefined or in the past is stored as now, a `delayMs` as that long after now.
   *
   * A job with `after` is blocked, that is, no claim takes it, until the jobs that it runs after are DONE or, `on` their end, have
   * ended. When one of them fails, a job that waits for it to be DONE ends as FAILED, and those after that, and so on.
   *
   * @returns what became of each job, in their order
   * @throws ErrJobExists with the ids that exist already or are duplicates; ErrInvalidJob for a dependency that doesn't exist
   */
  insert(jobs: readonly NewJob[], options?: InsertOptions): Promise<Enqueued[]>
  /**
   * Claims up to `limit` ready jobs of these kinds for the duration of a lease: by priority, then `runAt`, then in the
   * order of insertion; never more than the limits of their kinds allow. Also frees jobs whose lease expired; those of
   * the same holder that aren't in `holding`, without a crash, since none of their handlers began.
   */
  claim(
    kinds: readonly string[],
    limit: number,
    lease: Duration,
    options?: ClaimOptions,
  ): Promise<LeasedJob[]>
  /**
   * Records outcomes, each of which resets a job's crashes in a row, and adds the error of one that failed to the job's
   * `errors` (`errorOf` of a settlement). Settling an ended job again under the same claim
   * succeeds; settling a cancelled job reports that its handler has ended. When one outcome can't be recorded, none is; the
   * caller finds out which.
   *
   * @throws ErrInvalidJob for a time that no store can hold
   * @returns the settlements that changed nothing because their claim is lost
   */
  settle<S extends Settlement>(batch: readonly S[], options?: SettleOptions): Promise<S[]>
  /**
   * Settles a few outcomes and claims jobs in one transaction, for stores where that costs less than two calls: both or neither.
   * Each is as `settle` and `claim` do it, but it frees no jobs, and may claim none although jobs are ready: then ask `claim`.
   */
  settleAndClaim?<S extends Settlement>(
    batch: readonly S[],
    kinds: readonly string[],
    limit: number,
    lease: Duration,
    options?: ClaimOptions,
  ): Promise<SettledAndClaimed<S>>
  /**
   * Renews all leases from now.
   *
   * @param progress of some of these jobs, to be stored for `get`; that of lost jobs is dropped
   * @returns the jobs whose claims are lost
   */
  renew<H extends Held>(
    held: readonly H[],
    lease: Duration,
    progress?: ReadonlyMap<Held, Progress>,
  ): Promise<H[]>
  /** Releases jobs as if they had never been claimed; for lost ones, reports that their handlers don't run. */
  release(held: readonly Held[]): Promise<void>
  /** The job as it is now, with `errors`, `unique`, `after` and `waitsFor`; undefined if there is none with that id. */
  get(id: string): Promise<QueuedJob | undefined>
  /** The jobs that a job runs after, as far as they are DONE and still stored. */
  dependencies(id: string): Promise<DependencyResult[]>
  /**
   * Ends some of the jobs that wait for a failed one, where they were too many to end with it: they are blocked until then.
   *
   * @returns whether to call again at once
   */
  failDependents(): Promise<boolean>
  /**
   * The jobs that a query finds: the newest first, by insertion; by their ends when its status is one of those, then by id in
   * descending order.
   *
   * A job that doesn't change is in exactly one page. A page may be shorter than `limit`, or empty, and still have a `next`: reading
   * it looks at no more than 10,000 jobs.
   */
  list(query: ParsedQuery, page: ListPage): Promise<StoredPage>
  /** As `list`, without reading payloads, results and errors; of each `lastError` at most 2,000 characters. */
  listSummaries(query: ParsedQuery, page: ListPage): Promise<StoredPage<JobSummary>>
  /**
   * Ends a job as FAILED, 'cancelled', running or not. A running job keeps its place under the limits until it is settled
   * or released, or its lease expires.
   *
   * @returns false when there is no such job or it has ended
   */
  cancel(id: string): Promise<boolean>
  /** Makes a job due now. @returns false when there is no such job or it has ended */
  retryNow(id: string): Promise<boolean>
  /** As `cancel`, of many. @returns how many were cancelled */
  cancelJobs(ids: readonly string[], options?: CancelOptions): Promise<number>
  /** Removes waiting and ended jobs, and all that belongs to them; a waiting one ends first. @returns how many were removed */
  deleteJobs(ids: readonly string[]): Promise<number>
  /**
   * Makes FAILED and PANIC jobs wait again, due now and without crashes; others are left as they are. `attempt` begins at 1 again,
   * while `attemptsDone` goes on and `lastError` and `errors` stay. No earlier claim holds the job any more; but what was cancelled
   * while it ran keeps its place under the limits, beside that of the retry, until it is settled or released, or its lease expires.
   *
   * @returns those that were retried
   */
  retryJobs(retries: readonly JobRetry[]): Promise<RetriedJob[]>
  /**
   * Changes a waiting job. A `runAt` in the past means now. Once its payload has changed, no earlier claim can settle it any more.
   *
   * @returns false when the job runs, has ended or doesn't exist
   */
  reschedule(id: string, change: JobChange): Promise<boolean>
  /** No claim that begins after this has resolved takes a job of the kind, in any process, until it is resumed. */
  pause(kind: string): Promise<void>
  /** Ends a pause, and calls the listeners. */
  resume(kind: string): Promise<void>
  /** The paused kinds, in the order of their names. */
  paused(): Promise<string[]>
  /** The number of jobs by kind and status; PENDING excludes running jobs. */
  counts(): Promise<JobCounts>
  /**
   * The kinds that have waiting, blocked, running or failed jobs, limits, a pause or attempts in the last hour, in the order of their
   * names. However many jobs there are, it reads at most about 10,000 of each kind for a count.
   */
  stats(): Promise<KindStats[]>
  /** Adds to the minutes that `stats` reports; those of more than two hours ago are removed by `pruneByRules`. */
  addMinutes(minutes: readonly KindMinute[]): Promise<void>
  /**
   * Registers the rules of a worker's kinds replacing earlier ones; an empty map removes them. To be repeated every 30 s:
   * rules that aren't renewed expire within 2 minutes.
   *
   * The limits of all workers apply together to every claim: the least concurrency and keyConcurrency, and every rate. A
   * worker without limits doesn't lift those of others.
   *
   * @returns rules of other workers for these kinds that differ; of several that are equal, one
   */
  setRules(worker: string, kinds: ReadonlyMap<string, KindRules>): Promise<OtherRules[]>
  /**
   * In how many ms the next job of these kinds that only a rate holds back may start; undefined when no rate holds one
   * back.
   */
  rateOpensIn(kinds: readonly string[]): Promise<number | undefined>
  /** Kinds with due jobs that no live worker handles: at most 100. */
  unhandledKinds(): Promise<string[]>
  /**
   * Removes up to `limit` jobs of any kind that ended longer ago than `retention`.
   *
   * @param pass the same object for each call, until one removes fewer than `limit`: each continues where the last ended
   * @returns how many were removed
   */
  prune(retention: Duration, limit: number, pass?: object): Promise<number>
  /**
   * Removes some of the jobs whose retention is over: the longest retention among all workers of a kind applies; jobs of a
   * kind without one are kept. Also removes old minutes. Cheap when there is nothing to remove.
   *
   * @returns whether to call again at once
   */
  pruneByRules(): Promise<boolean>
  /**
   * Calls back when jobs may have become ready, at most once in a short while. Best effort: callers poll as well.
   *
   * @param kinds listeners with kinds share their jobs: across all processes, about as many of them are called as there are
   *   jobs, chosen at random; more are called later if the first don't take the jobs
   * @returns a function that removes the callback
   */
  listen(onReady: OnReady, kinds?: readonly string[]): Promise<() => Promise<void>>
  /**
   * For how many ms, as far as is known now, no job of these kinds becomes ready without a call from `listen`: none falls
   * due and no lease expires. 0: the caller has to poll.
   */
  quietFor(kinds: readonly string[]): Promise<number>
}

/** A store that may share its jobs with other store objects of the process. */
export interface PlacedStore {
  /** An object that is the same for all stores of the same jobs. */
  place(): object
}
