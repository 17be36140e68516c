import type { Clock } from '../../core/clock.ts'
import { describe } from '../../core/describe.ts'
import { type Duration, toStorableMs } from '../../core/duration.ts'
import type { Progress } from '../../core/progress.ts'
import { codeOf } from '../../core/thrown.ts'
import { TransactionOpenError } from '../../queue/errors.ts'
import type { LeasedJob } from '../../queue/job.ts'
import type { Held, SettleOptions } from '../../queue/job-store.ts'
import { type Settlement, checkStorable } from '../../queue/outcome.ts'
import { BUSY } from '../schema/1-queue/settling.ts'
import { TAKEN_PLACE } from '../schema/1-queue/settling-by-place.ts'
import { plainArray } from '../statements/array-literal.ts'
import { leaseLimit } from '../statements/lease-limit.ts'
import { LIMIT_MS, type SchemaQueries } from '../statements/schema-queries.ts'
import type { Claimed, JobClaimer } from './job-claimer.ts'
import { heldColumns, placeColumns, progressColumn, settlementColumns } from './job-columns.ts'
import type { JobNotifications } from './job-notifications.ts'
import type { JobStatements } from './job-statements.ts'
import { OpenClaims } from './open-claims.ts'

export interface HeldJobsProps {
  readonly queries: SchemaQueries
  readonly statements: JobStatements
  readonly channel: string
  readonly notifications: JobNotifications
  readonly claimer: JobClaimer
  /** Where all times come from; undefined: the database's own clock. */
  readonly clock: Clock | undefined
}

/** Settles, renews and releases claimed jobs. The leases of all jobs of a claim share a row. */
export class HeldJobs {
  readonly #props: HeldJobsProps
  readonly #claims = new OpenClaims()
  /** The longest lease claimed so far: after that, an answer to settle or release is useless. */
  #leaseMs = 0

  constructor(props: HeldJobsProps) {
    this.#props = props
  }

  /** @returns the claimed jobs without those that are late, which it releases */
  async claimed({ jobs, late }: Claimed, leaseMs: number): Promise<LeasedJob[]> {
    this.#leaseMs = Math.max(this.#leaseMs, leaseMs)
    this.#claims.claimed(jobs)
    if (late.length === 0) return jobs
    await this.release(late, false)
    return jobs.filter((job) => !late.includes(job))
  }

  /** As `JobStore.settle`. */
  async settle<S extends Settlement>(batch: readonly S[], options: SettleOptions = {}): Promise<S[]> {
    const { notifications } = this.#props
    const { tx, afterTransaction = false } = options
    if (batch.length === 0) return []
    checkStorable(batch)
    const firsts = firstOfEachJob(batch)
    // A transaction may still roll back, so its leases stay.
    const finishedClaims = tx === undefined ? this.#claims.finishedBy(firsts) : undefined
    const finished = finishedClaims === undefined ? null : plainArray(finishedClaims)
    const byPlace = tx === undefined && !afterTransaction && (await this.#settleByPlace(firsts, finished))
    const lost = byPlace ? [] : await this.#settleById(firsts, finished, options)
    if (finishedClaims !== undefined) {
      this.#claims.ended(firsts, finishedClaims)
      notifications.settled(firsts)
    }
    return thoseOf(batch, lost)
  }

  /**
   * As `settle`, by a statement that does more.
   *
   * @param send is given the batch without duplicates and the claims that are finished by it; resolves with the positions of those
   *   that are lost, as `settle_jobs` returns them
   */
  async settleBy<S extends Settlement>(
    batch: readonly S[],
    send: (firsts: readonly S[], finished: readonly number[]) => Promise<string | null>,
  ): Promise<S[]> {
    checkStorable(batch)
    const firsts = firstOfEachJob(batch)
    const finished = this.#claims.finishedBy(firsts)
    const lost = at(firsts, await send(firsts, finished))
    this.#claims.ended(firsts, finished)
    this.#props.notifications.settled(firsts)
    return thoseOf(batch, lost)
  }

  /** @returns whether it has settled the batch: only of jobs that are DONE, and where they were when they were claimed */
  async #settleByPlace(batch: readonly Settlement[], finished: string | null): Promise<boolean> {
    const columns = placeColumns(batch)
    if (columns === undefined) return false
    const { queries, statements } = this.#props
    const params = [...columns, finished, this.#now()]
    try {
      const [row] = await queries.run<[boolean]>(statements.settlePlaces, params, undefined, {
        limitMs: this.#limitMs(),
      })
      return row![0]
    } catch (error) {
      if (codeOf(error) === TAKEN_PLACE) return false
      throw error
    }
  }

  /** @returns the settlements whose claims are lost */
  async #settleById<S extends Settlement>(
    batch: readonly S[],
    finished: string | null,
    { tx, afterTransaction = false }: SettleOptions,
  ): Promise<S[]> {
    const { queries, statements } = this.#props
    const params = [...settlementColumns(batch), finished, this.#now()]
    const statement = afterTransaction ? statements.settleEnded : statements.settle
    const [row] = await queries.run<[string | null]>(statement, params, tx, { limitMs: this.#limitMs() })
    if (row![0] === BUSY) throw busyError(batch)
    return at(batch, row![0])
  }

  /** As `JobStore.renew`. */
  async renew<H extends Held>(
    held: readonly H[],
    lease: Duration,
    progress: ReadonlyMap<Held, Progress> = new Map(),
  ): Promise<H[]> {
    if (held.length === 0) return []
    const { queries, statements } = this.#props
    const leaseMs = toStorableMs(lease, 'renew: lease')
    const params = [...heldColumns(held), leaseMs, progressColumn(held, progress), this.#now()]
    const [row] = await queries.run<[string | null]>(statements.renew, params, undefined, {
      limitMs: leaseLimit(leaseMs),
      reserved: 'renewals',
    })
    return at(held, row![0])
  }

  /** Returns jobs to waiting. @param mayHaveStarted false: their starts no longer count for a rate */
  async release(held: readonly Held[], mayHaveStarted: boolean): Promise<void> {
    if (held.length === 0) return
    const { queries, statements, channel, claimer } = this.#props
    const finished = this.#claims.finishedBy(firstOfEachJob(held))
    const params = [...heldColumns(held), plainArray(finished), mayHaveStarted, channel, this.#now()]
    await queries.run(statements.release, params, undefined, { limitMs: this.#limitMs() })
    claimer.requeued()
    this.#claims.ended(held, finished)
  }

  #limitMs(): number {
    return this.#leaseMs === 0 ? LIMIT_MS : leaseLimit(this.#leaseMs)
  }

  /** Null: the database's time. */
  #now(): number | null {
    return this.#props.clock?.now() ?? null
  }
}

function busyError(held: readonly Held[]): TransactionOpenError {
  const which = held.length === 1 ? `job ${describe(held[0]!.id)}` : `one of ${held.length} jobs`
  return new TransactionOpenError(`the transaction that completes ${which} hasn't ended yet`)
}

/** The first outcome of a job under a claim counts. */
function firstOfEachJob<H extends Held>(held: readonly H[]): readonly H[] {
  if (new Set(held.map(({ id }) => id)).size === held.length) return held
  const firsts = new Map(held.toReversed().map((one) => [`${one.claim} ${one.id}`, one]))
  return held.filter((one) => firsts.get(`${one.claim} ${one.id}`) === one)
}

/** Those of the batch that are among these, duplicates too. */
function thoseOf<H extends Held>(batch: readonly H[], some: readonly H[]): H[] {
  return batch.filter((one) => some.some(({ id, claim }) => id === one.id && claim === one.claim))
}

/** The elements at the positions in a JSON list, counted from 1. */
function at<T>(all: readonly T[], places: string | null): T[] {
  return places === null ? [] : (JSON.parse(places) as number[]).map((place) => all[place - 1]!)
}
