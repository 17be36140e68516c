import { brand } from '../core/brand.ts'
import { currentClock } from '../core/context.ts'
import { type Duration, toStorableMs } from '../core/duration.ts'
import { unexpected } from '../core/errors.ts'
import { has } from '../core/has.ts'
import { checkOptions } from '../core/options.ts'
import type { TransactionHandle } from '../core/queryable.ts'
import { type AwaitResultOptions, awaitResult } from './await-result.ts'
import { type DequeueFn, dequeue } from './dequeue.ts'
import { JobNotFoundError, jobLost } from './errors.ts'
import type { JobEvent } from './job-event.ts'
import { prepareJobs, storedId } from './job-input.ts'
import type { JobCounts, JobStore, JobStoreFacts } from './job-store.ts'
import type { ClaimedJob, JobInput, QueuedJob } from './job.ts'
import { toJson } from './json.ts'
import { ObservedJobStore } from './observed-job-store.ts'
import { settlementOf } from './outcome.ts'

/**
 * Jobs of many kinds that run at or after a time, at least once, on any number of machines.
 *
 * It hands jobs in and looks at them; a QueueWorker runs them.
 *
 * @example
 * const queue = new JobQueue(new PostgresJobStore(database))
 * await queue.enqueue({ id: 'mail-17', kind: 'mail', payload: { to: 'ada' }, runAt: tomorrow })
 */
export class JobQueue {
  static {
    brand(this, 'JobQueue')
  }

  /** The store it was given; what passes through here is told to `onEvent`. */
  readonly store: JobStore & JobStoreFacts
  readonly #store: ObservedJobStore

  /** @throws InvalidArgumentError */
  constructor(store: JobStore) {
    if (!has(store, 'claim')) throw unexpected('JobQueue', 'a JobStore, such as new MemoryJobStore()', store)
    this.#store = new ObservedJobStore(store)
    this.store = this.#store
  }

  /**
   * Stores all jobs or, when one can't be, none. A job whose id exists isn't stored twice: with ids that come from
   * what the job is about, enqueueing again is safe.
   *
   * @param options.tx the caller's transaction: the jobs are there when it commits, and only then
   * @throws ErrInvalidJob, ErrJobExists, StoreUnavailableError
   */
  async enqueue(
    jobs: JobInput | readonly JobInput[],
    options: { tx?: TransactionHandle | undefined } = {},
  ): Promise<void> {
    const { tx } = checkOptions('enqueue', options, ['tx'])
    const prepared = prepareJobs(jobs, this.#store.maxJson)
    if (prepared.length > 0) await this.#store.insert(prepared, { tx })
  }

  /**
   * Takes one ready job of these kinds, hands it to `fn` and stores what that returns: the job after the attempt.
   *
   * When `fn` throws, the job is given back uncounted, and the error is thrown on.
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
    return stored === undefined ? undefined : this.#store.get(stored)
  }

  /**
   * Waits for a job to end: resolves with what its handler returned.
   *
   * @throws JobFailedError, JobNotFoundError, ResultTimeoutError; the signal's reason
   */
  async result(id: string, options: AwaitResultOptions = {}): Promise<unknown> {
    const stored = storedId(id)
    if (stored === undefined) throw new JobNotFoundError(id)
    return awaitResult(this.#store, stored, options)
  }

  /**
   * Ends a job as FAILED with 'cancelled'. It never runs again; the signal of its handler, if it runs, aborts within
   * a third of its lease.
   *
   * @returns false when there is no such job or it has ended
   */
  async cancel(id: string): Promise<boolean> {
    const stored = storedId(id)
    return stored !== undefined && this.#store.cancel(stored)
  }

  /** Makes a waiting job run at once. @returns false when there is no such job or it has ended */
  async retryNow(id: string): Promise<boolean> {
    const stored = storedId(id)
    return stored !== undefined && this.#store.retryNow(stored)
  }

  /** How many jobs there are, by kind and status. Running ones aren't counted as PENDING. Reads the whole table. */
  counts(): Promise<JobCounts> {
    return this.#store.counts()
  }

  /**
   * Ends a job as DONE in the transaction that carries what its handler wrote, so that both are there or neither.
   * To be called in the handler; what that returns later is dropped.
   *
   * One statement, and one more when the handler has returned. While the transaction is open, nothing else of the worker
   * waits for it, and its lease is renewed as ever; but no other process takes over this job, nor those that were claimed
   * with it, should this one die and the server not know it yet. See docs/transactions.md.
   *
   * @throws ErrLostLease, so that the transaction rolls back: the job is no longer this process's;
   *   ErrInvalidJob when the result isn't JSON or too large, InvalidArgumentError without a transaction: nothing has changed then
   */
  async complete(job: ClaimedJob, result: unknown, options: { tx: TransactionHandle }): Promise<void> {
    const { tx } = checkOptions('complete', options, ['tx'])
    if ((tx as unknown) === undefined) throw unexpected('complete: tx', 'the transaction of the writes', tx)
    const outcome = {
      status: 'DONE',
      result: result === undefined ? undefined : toJson(result, 'complete: result', this.#store.maxJson),
    } as const
    const settlement = settlementOf(job, outcome, 0)
    const lost = await this.#store.settle([settlement], { tx })
    if (lost.length > 0) throw jobLost(job.id)
  }

  /** Calls back with what happens to jobs through this object. @returns takes the listener off */
  onEvent(listener: (event: JobEvent) => void): () => void {
    return this.#store.onEvent(listener)
  }

  /**
   * Removes jobs of every kind that ended longer ago than `retention`, in small batches. A QueueWorker does so by itself
   * with those of its own kinds.
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

/** The store of a queue, for what runs its jobs. The queue may be of another copy of runutil. */
export function observedStoreOf(queue: JobQueue): ObservedJobStore {
  return queue.store as ObservedJobStore
}
