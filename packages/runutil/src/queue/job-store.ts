import type { Duration } from '../core/duration.ts'
import type { TransactionHandle } from '../core/queryable.ts'
import type { ClaimedJob, JobStatus, QueuedJob } from './job.ts'
import type { KindRules, OtherRules } from './kind-rules.ts'
import type { Settlement } from './outcome.ts'
import type { OnReady } from './ready-listeners.ts'

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

/** What a claim has to heed, beside the limits of kinds. */
export interface ClaimOptions {
  /** Who claims: a number of the whole process, the same with each of its claims. */
  readonly holder?: number | undefined
  /** Claims that the process has handlers or outcomes of: however long ago their leases ran out, they aren't freed. */
  readonly holding?: ReadonlySet<number> | undefined
  /** A job that crashed so often in a row is on its last chance: it is claimed alone, or not at all. */
  readonly maxCrashes?: number | undefined
  /** Whether a job on its last chance may be claimed. Default true. */
  readonly lastChance?: boolean | undefined
  /** Called when one was left that would have been claimed, but for its being on its last chance. */
  readonly onLastChance?: (() => void) | undefined
  /** The most bytes of payload that are claimed, those of up to 512 not counted. Default: any number. */
  readonly maxBytes?: number | undefined
  /** Whether the first job is claimed however large it is. Default true. */
  readonly orOne?: boolean | undefined
  /** Called when a job would have been claimed, but for its bytes. */
  readonly onHeldBack?: (() => void) | undefined
  /** Called once when the clock that the store goes by was set, by so many ms: back when it's negative. */
  readonly onClockSet?: ((byMs: number) => void) | undefined
}

export interface SettleOptions extends InTransaction {
  /**
   * They were settled before in a transaction of a caller's. While that is open, rejects at once with a
   * StoreUnavailableError.
   */
  readonly afterTransaction?: boolean | undefined
}

/** What a store may say of itself, beside what it does. */
export interface JobStoreFacts {
  /** So many characters of JSON a payload or a result may have. Default 4 MiB. */
  readonly maxJson?: number | undefined
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
 * only grows, and a lease; a job whose lease ran out is ready again, with one crash more. Until another claim takes
 * it, what is renewed, settled and released under the last one still counts, and takes that crash back; what isn't under
 * the last claim of a job changes nothing.
 *
 * The store's clock may be set. What counts from a moment then lies no further ahead than its own length: a lease, the
 * delay of a retry, a start under a rate, a worker's rules. A `runAt` that a caller gave is a time of day, and stays.
 *
 * Every method rejects with a StoreUnavailableError when the store can't be reached for now. So do `claim`, `settle`,
 * `renew`, `release`, `limit`, `prune` and `listen`, which a worker calls and can call again, when the server fails
 * temporarily: a statement took too long, it is read-only after a failover, out of space. Other methods, and all of them in a
 * caller's transaction, reject with the server's own error.
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
   * order of insertion; never more than the limits of their kinds allow. Also frees jobs whose lease ran out; those of
   * the same holder, of which it says that it doesn't hold them, without a crash, since no handler of it began.
   */
  claim(
    kinds: readonly string[],
    limit: number,
    lease: Duration,
    options?: ClaimOptions,
  ): Promise<ClaimedJob[]>
  /**
   * Records outcomes, each of which ends a job's crashes in a row. Settling again what was settled to an end under the
   * same claim is no loss; settling what was cancelled says that its handler has ended. When one can't be recorded, none
   * is: the caller finds out which.
   *
   * @throws ErrInvalidJob for a time that no store can hold
   * @returns those of the batch that changed nothing: their claim is lost
   */
  settle<S extends Settlement>(batch: readonly S[], options?: SettleOptions): Promise<S[]>
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
  /**
   * Registers the rules of a worker's kinds in place of those it had; an empty map removes them. To be repeated every 30 s:
   * rules that aren't renewed expire within 2 minutes.
   *
   * The limits of all workers apply together to every claim: the least concurrency and keyConcurrency, and every rate. A
   * worker without limits lifts none.
   *
   * @returns rules of other workers for these kinds that differ; of several that are equal, one
   */
  setRules(worker: string, kinds: ReadonlyMap<string, KindRules>): Promise<OtherRules[]>
  /**
   * In how many ms a rate lets the next job of these kinds start that is ready but for that; undefined when no rate holds
   * one back.
   */
  rateOpensIn(kinds: readonly string[]): Promise<number | undefined>
  /** Kinds that no worker says it handles, though jobs of them are due: at most 100 of them. */
  unhandledKinds(): Promise<string[]>
  /**
   * Removes up to `limit` jobs of any kind that ended longer ago than `retention`.
   *
   * @param pass the same object with each call, until one removes less than `limit`: the next goes on where the last ended
   * @returns how many
   */
  prune(retention: Duration, limit: number, pass?: object): Promise<number>
  /**
   * Removes some of the jobs whose retention is over: the longest of all workers' retentions of a kind counts, and of a kind
   * without one nothing is removed. Cheap when there is nothing to remove.
   *
   * @returns whether to ask again at once
   */
  pruneByRules(): Promise<boolean>
  /**
   * Calls back when jobs may have become ready, at most once in a short while. Best effort: one polls as well.
   *
   * @param kinds listeners with kinds share their jobs: of all of them, in all processes, about as many are called as there are
   *   jobs, chosen at random; more are called later if the first don't take the jobs
   * @returns takes the callback off
   */
  listen(onReady: OnReady, kinds?: readonly string[]): Promise<() => Promise<void>>
  /**
   * For how many ms no job of these kinds becomes ready that `listen` doesn't report, as far as is known now: none falls due
   * and no lease expires. 0: one has to poll.
   */
  quietFor(kinds: readonly string[]): Promise<number>
}

/** Several objects that keep the same jobs, in one process. */
export interface PlacedStore {
  /** The same object for all of them. */
  place(): object
}
