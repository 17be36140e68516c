import { brand } from '../core/brand.ts'
import { currentClock } from '../core/context.ts'
import { type Duration, toStorableMs } from '../core/duration.ts'
import { unexpected } from '../core/errors.ts'
import { has } from '../core/has.ts'
import { checkOptions } from '../core/options.ts'
import type { TransactionHandle } from '../core/queryable.ts'
import { type AwaitResultOptions, awaitResult } from './await-result.ts'
import { type JobCodec, checkCodec, decodeJob, encodeResult } from './codec.ts'
import type { JobDefinition } from './define-job.ts'
import { type DequeueFn, dequeue } from './dequeue.ts'
import { insertEncoded } from './encoded-insert.ts'
import { resolveEnqueueOptions } from './enqueue-options.ts'
import { JobNotFoundError, jobLost } from './errors.ts'
import type { RescheduleChange, RetryChange } from './job-change.ts'
import type { JobEvent } from './job-event.ts'
import { type JobPage, type ListedJobs, listedJobs, listedSummaries } from './job-listing.ts'
import type { JobQuery } from './job-query.ts'
import { normaliseKind, prepareJobs, storedId } from './job-input.ts'
import type { KindStats } from './kind-stats.ts'
import type { KindTotals } from './kind-tally.ts'
import { minuteTally } from './minute-tally.ts'
import type { JobCounts, JobStore, JobStoreFacts } from './job-store.ts'
import type { EnqueueOptions, Enqueued, JobInput, JobSummary, LeasedJob, QueuedJob } from './job.ts'
import { ObservedJobStore } from './observed-job-store.ts'
import { cancelJobs, deleteJobs, rescheduleJob, retryJobs } from './operator-calls.ts'
import type { WhichJobs } from './which-jobs.ts'
import { settlementOf } from './outcome.ts'
import { checkPayloads } from './typed-payloads.ts'

/** Options of a JobQueue. */
export interface JobQueueOptions {
  /** What encodes payloads and results before they are stored, such as an encryption. Default: they are stored as they are. */
  codec?: JobCodec | undefined
}

/**
 * Jobs of many kinds that run at or after a time, at least once, on any number of machines.
 *
 * It enqueues and inspects jobs; a QueueWorker runs them.
 *
 * @example
 * const queue = new JobQueue(new PostgresJobStore(database))
 * await queue.enqueue({ id: 'mail-17', kind: 'mail', payload: { to: 'ada' }, runAt: tomorrow })
 */
export class JobQueue {
  static {
    brand(this, 'JobQueue')
  }

  /** The given store; calls through this object are reported to `onEvent`. */
  readonly store: JobStore & JobStoreFacts
  readonly #store: ObservedJobStore

  /** @throws InvalidArgumentError */
  constructor(store: JobStore, options: JobQueueOptions = {}) {
    const { codec } = checkOptions('JobQueue', options, ['codec'])
    if (!has(store, 'claim')) throw unexpected('JobQueue', 'a JobStore, such as new MemoryJobStore()', store)
    this.#store = new ObservedJobStore(store, checkCodec(codec, 'JobQueue'))
    this.store = this.#store
  }

  /**
   * Stores all jobs or none, and resolves with the id of each. A job whose id exists, or whose unique key another holds, is
   * refused, or what `onExists` says: with ids derived from the subject of the job, enqueueing again is safe. What a
   * definition's `job()` made is validated first.
   *
   * @param options.tx the caller's transaction: the jobs exist once it commits
   * @throws ErrInvalidJob, ErrJobExists, StoreUnavailableError, InvalidArgumentError, InvalidDurationError
   */
  enqueue(job: JobInput, options?: EnqueueOptions): Promise<Enqueued>
  enqueue(jobs: readonly JobInput[], options?: EnqueueOptions): Promise<Enqueued[]>
  enqueue(jobs: JobInput | readonly JobInput[], options?: EnqueueOptions): Promise<Enqueued | Enqueued[]>
  async enqueue(
    jobs: JobInput | readonly JobInput[],
    options: EnqueueOptions = {},
  ): Promise<Enqueued | Enqueued[]> {
    if (typeof jobs === 'string') prepareJobs(jobs) // As other queues take a kind: refused before its data, as options.
    const resolved = resolveEnqueueOptions(options)
    const prepared = prepareJobs(jobs, resolved.onExists, this.#store.maxJson)
    if (prepared.typed.length > 0) await checkPayloads(prepared.typed)
    if (prepared.jobs.length === 0) return []
    const enqueued = await insertEncoded(this.#store, prepared.jobs, resolved)
    return Array.isArray(jobs) ? enqueued : enqueued[0]!
  }

  /**
   * Claims one ready job of these kinds, passes it to `fn` and stores what that returns: the job after the attempt.
   *
   * When `fn` throws, the job is released, the attempt isn't counted, and the error is rethrown.
   *
   * @returns false when no job was ready
   * @throws ErrLostLease when the lease was lost meanwhile; nothing was recorded then
   */
  dequeue(
    kinds: readonly string[],
    fn: DequeueFn,
    options: { signal?: AbortSignal | undefined } = {},
  ): Promise<boolean> {
    return dequeue({ store: this.#store, kinds, fn, options, clock: currentClock() })
  }

  /** The job with this id, ended or not; undefined when there is none. */
  async get(id: string): Promise<QueuedJob | undefined> {
    const stored = storedId(id)
    const job = stored === undefined ? undefined : await this.#store.get(stored)
    const { codec } = this.#store
    return job === undefined || codec === undefined ? job : decodeJob(job, codec)
  }

  /**
   * The jobs that a query finds, a page at a time: the newest first, by when they were enqueued; by when they ended if `status` is
   * DONE, FAILED or PANIC, and by id, descending, those that ended at one time.
   *
   * Reading a page looks at no more than 10,000 jobs: it may be shorter than `limit`, even empty, and still have a `next`.
   *
   * @param page.limit the most jobs, up to 1,000; default 50
   * @param page.after the `next` of the page before, which had the same query
   * @throws InvalidArgumentError, also for DONE without a range of `endedAt`, or `error` without a kind or a range
   */
  list(query: JobQuery = {}, page: JobPage = {}): Promise<ListedJobs> {
    return listedJobs(this.#store, query, page)
  }

  /**
   * As `list`, without payloads, results and errors, which aren't read from the store: for lists of jobs whose payloads may be large.
   * The `next` of each is for both.
   *
   * @throws InvalidArgumentError, as `list`
   */
  listSummaries(query: JobQuery = {}, page: JobPage = {}): Promise<ListedJobs<JobSummary>> {
    return listedSummaries(this.#store, query, page)
  }

  /**
   * Waits for a job to end and resolves with its handler's result.
   *
   * With a definition, the result has the type of its `output`, as far as JSON keeps that, and a job of another kind is an error.
   *
   * @throws JobFailedError, JobNotFoundError, ResultTimeoutError, InvalidArgumentError; the signal's reason
   */
  result(id: string, options?: AwaitResultOptions): Promise<unknown>
  result<Out>(
    definition: JobDefinition<never, unknown, unknown, Out>,
    id: string,
    options?: AwaitResultOptions,
  ): Promise<Out>
  async result(
    of: string | Pick<JobDefinition, 'kind'>,
    ...rest: readonly (string | AwaitResultOptions | undefined)[]
  ): Promise<unknown> {
    const isTyped = typeof of === 'object' && of !== null
    const kind = isTyped ? normaliseKind(of.kind, 'result: kind') : undefined
    const [id, options = {}] = (isTyped ? rest : [of, ...rest]) as [string, AwaitResultOptions?]
    const stored = storedId(id)
    if (stored === undefined) throw new JobNotFoundError(id)
    return awaitResult(this.#store, stored, options, kind)
  }

  /**
   * Ends jobs as FAILED with 'cancelled'. They don't run again unless they are retried; the signal of a handler that runs aborts
   * within a third of its lease.
   *
   * @returns of one id: false when there is no such job or it has ended; else how many jobs were cancelled
   * @throws InvalidArgumentError
   */
  cancel(id: string): Promise<boolean>
  cancel(which: Exclude<WhichJobs, string>): Promise<number>
  cancel(which: WhichJobs): Promise<boolean | number> {
    return cancelJobs(this.#store, which)
  }

  /**
   * Makes FAILED and PANIC jobs wait again, due now: `attempt` begins at 1 again, while `attemptsDone` goes on and `errors` stays. No
   * other job is changed or counted.
   *
   * @param change a new payload, which is validated before the handler of each
   * @returns how many jobs were retried
   * @throws InvalidArgumentError; ErrInvalidJob for a payload that isn't JSON or too large: nothing has changed then
   */
  retry(which: WhichJobs, change: RetryChange = {}): Promise<number> {
    return retryJobs(this.#store, which, change)
  }

  /**
   * Deletes waiting and ended jobs with all that is stored about them; running ones stay. Their ids are free again.
   *
   * @returns how many jobs were deleted
   * @throws InvalidArgumentError
   */
  delete(which: WhichJobs): Promise<number> {
    return deleteJobs(this.#store, which)
  }

  /**
   * Changes when a waiting job runs, its priority or its payload.
   *
   * @returns false when the job runs, has ended or doesn't exist
   * @throws InvalidArgumentError for an unknown field or none; ErrInvalidJob for a value that no job can have
   */
  reschedule(id: string, change: RescheduleChange): Promise<boolean> {
    return rescheduleJob(this.#store, id, change)
  }

  /** Makes a waiting job due now. @returns false when there is no such job or it has ended */
  async retryNow(id: string): Promise<boolean> {
    const stored = storedId(id)
    return stored !== undefined && this.#store.retryNow(stored)
  }

  /**
   * Pauses a kind, in all processes and until it is resumed, restarts included: no claim takes its jobs, and those that were claimed
   * but haven't started are released. Running jobs end.
   *
   * @throws ErrInvalidJob for an empty kind
   */
  async pause(kind: string): Promise<void> {
    await this.#store.pause(normaliseKind(kind, 'pause: kind'))
  }

  /** Ends a pause. @throws ErrInvalidJob for an empty kind */
  async resume(kind: string): Promise<void> {
    await this.#store.resume(normaliseKind(kind, 'resume: kind'))
  }

  /** The paused kinds, in the order of their names. */
  paused(): Promise<string[]> {
    return this.#store.paused()
  }

  /**
   * How many jobs of each kind wait, run and have failed, and what became of them in the last hour, in all processes: for dashboards,
   * metrics and alarms. The kinds are in the order of their names; one whose jobs are all DONE is among them for an hour.
   *
   * Cheap however many jobs are stored: counts end at 10,001. The minutes are those of jobs that a QueueWorker has run.
   */
  stats(): Promise<KindStats[]> {
    return this.#store.stats()
  }

  /** What attempts of this process came to since it began, by kind. Asks no store. */
  totals(): KindTotals[] {
    return minuteTally(this.#store).totals
  }

  /** The number of jobs by kind and status; PENDING excludes running jobs. Reads all of them, a million a second; `stats` doesn't. */
  counts(): Promise<JobCounts> {
    return this.#store.counts()
  }

  /**
   * Ends a job as DONE in the transaction of the handler's writes, so that both are committed or neither.
   * To be called in the handler, whose return value is then ignored.
   *
   * Costs one statement, and one more when the handler has returned. An open transaction blocks no other job of the worker,
   * and the lease is still renewed; but if this process dies, no other takes over this job, or those claimed with it, until
   * the server has noticed. See docs/transactions.md.
   *
   * @throws ErrLostLease when the process no longer holds the job, so that the transaction rolls back; ErrInvalidJob when
   *   the result isn't JSON or is too large, InvalidArgumentError without a transaction: nothing has changed then
   */
  async complete(job: LeasedJob, result: unknown, options: { tx: TransactionHandle }): Promise<void> {
    const { tx } = checkOptions('complete', options, ['tx'])
    if ((tx as unknown) === undefined) throw unexpected('complete: tx', 'the transaction of the writes', tx)
    const outcome = {
      status: 'DONE',
      result:
        result === undefined ? undefined : await encodeResult(result, job, this.#store, 'complete: result'),
    } as const
    const settlement = settlementOf(job, outcome, 0)
    const lost = await this.#store.settle([settlement], { tx })
    if (lost.length > 0) throw jobLost(job.id)
  }

  /** Calls back with events of jobs handled through this object. @returns a function that removes the listener */
  onEvent(listener: (event: JobEvent) => void): () => void {
    return this.#store.onEvent(listener)
  }

  /**
   * Removes jobs of every kind that ended longer ago than `retention`, in small batches. A QueueWorker does so for its own kinds.
   *
   * @throws InvalidDurationError
   */
  async prune(retention: Duration): Promise<number> {
    toStorableMs(retention, 'prune: retention')
    const batch = 1_000
    const pass = {}
    let removed = 0
    for (let last = batch; last === batch; removed += last) {
      last = await this.#store.prune(retention, batch, pass)
    }
    return removed
  }
}

/** The store of a queue, for the worker that runs its jobs. The queue may come from another copy of runutil. */
export function observedStoreOf(queue: JobQueue): ObservedJobStore {
  return queue.store as ObservedJobStore
}
