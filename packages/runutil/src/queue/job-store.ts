import type { Duration } from '../core/duration.ts'
import type { TransactionHandle } from '../core/queryable.ts'
import type { ClaimedJob, JobStatus, QueuedJob } from './job.ts'
import type { ResolvedLimits } from './limits.ts'
import type { Settlement } from './outcome.ts'

/** A job as it is inserted: checked, its payload as JSON. */
export interface NewJob {
  readonly id: string
  readonly kind: string
  readonly payload: string
  readonly runAt: Date | undefined
  readonly priority: number
  readonly key: string | undefined
}

/** Which job, and under which claim it is held. */
export interface Held {
  readonly id: string
  readonly claim: number
}

export interface InTransaction {
  /** The caller's own transaction; only of a store that lives in the same database. */
  readonly tx?: TransactionHandle | undefined
}

export type JobCounts = Record<string, Record<JobStatus | 'RUNNING', number>>

/** What `counts` begins a kind with. */
export function noJobs(): JobCounts[string] {
  return { PENDING: 0, RUNNING: 0, DONE: 0, FAILED: 0, PANIC: 0 }
}

/**
 * Where jobs are kept. It never runs a job and never decides on a retry: it records what others decided.
 *
 * A job is *ready* when it is PENDING, its time has come and no live claim holds it. Each claim has a number that
 * only grows, and a lease; a job whose lease ran out is ready again, with one crash more. What is renewed, settled
 * and released matches the id and the claim, or changes nothing.
 *
 * Every method rejects with a StoreUnavailableError when the store can't be reached for now.
 */
export interface JobStore {
  /**
   * Stores all jobs or none. A `runAt` that is undefined or over is stored as now.
   *
   * @throws ErrJobExists with the ids that are there already, or come twice
   */
  insert(jobs: readonly NewJob[], options?: InTransaction): Promise<void>
  /**
   * Holds up to `limit` ready jobs of these kinds for the time of a lease: by priority, then `runAt`, then in the
   * order of insertion; never more than the limits of their kinds allow. Also frees jobs whose lease ran out.
   */
  claim(kinds: readonly string[], limit: number, lease: Duration): Promise<ClaimedJob[]>
  /**
   * Records outcomes. Settling again what was settled to an end under the same claim is no loss; settling what was
   * cancelled says that its handler has ended.
   *
   * @returns those of the batch that changed nothing: their claim is lost
   */
  settle<S extends Settlement>(batch: readonly S[], options?: InTransaction): Promise<S[]>
  /**
   * Makes all leases run anew from now.
   *
   * @returns those that are lost
   */
  renew<H extends Held>(held: readonly H[], lease: Duration): Promise<H[]>
  /** Gives jobs back as if they had never been claimed; of those that are lost, says that no handler runs. */
  release(held: readonly Held[]): Promise<void>
  get(id: string): Promise<QueuedJob | undefined>
  /**
   * Ends a job as FAILED, 'cancelled', running or not. One that runs keeps its place under the limits until it is settled
   * or released, or its lease runs out.
   *
   * @returns false when there is none or it has ended
   */
  cancel(id: string): Promise<boolean>
  /** Makes a job's time come now. @returns false when there is none or it has ended */
  retryNow(id: string): Promise<boolean>
  /** By kind. PENDING is without the running ones. */
  counts(): Promise<JobCounts>
  /** Sets the limits of kinds for all processes that claim from here, and takes off those that aren't given. */
  limit(kinds: ReadonlyMap<string, ResolvedLimits>): Promise<void>
  /** Removes up to `limit` jobs that ended longer ago than `retention`. @returns how many */
  prune(retention: Duration, limit: number): Promise<number>
  /**
   * Calls back when jobs may have become ready, at most once in a short while. Best effort: one polls as well.
   *
   * @returns takes the callback off
   */
  listen(onReady: () => void): Promise<() => Promise<void>>
}
