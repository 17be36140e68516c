import type { Clock } from '../../core/clock.ts'
import { describe } from '../../core/describe.ts'
import { type Duration, toMs, toStorableMs } from '../../core/duration.ts'
import { unexpected } from '../../core/errors.ts'
import { has } from '../../core/has.ts'
import { checkOptions } from '../../core/options.ts'
import { TransactionOpenError } from '../../queue/errors.ts'
import type {
  ClaimOptions,
  Held,
  InTransaction,
  JobCounts,
  JobStore,
  JobStoreFacts,
  NewJob,
  SettleOptions,
  PlacedStore,
} from '../../queue/job-store.ts'
import type { ClaimedJob, QueuedJob } from '../../queue/job.ts'
import type { KindRules, OtherRules } from '../../queue/kind-rules.ts'
import { checkMaxJson } from '../../queue/max-json.ts'
import { type Settlement, checkStorable } from '../../queue/outcome.ts'
import type { OnReady } from '../../queue/ready-listeners.ts'
import type { Database } from '../database/database.ts'
import { BUSY } from '../schema/1-queue/settling.ts'
import { DEFAULT_SCHEMA } from '../schema/schema-name.ts'
import { plainArray, textArray } from '../statements/array-literal.ts'
import { leaseLimit } from '../statements/lease-limit.ts'
import { LIMIT_MS, SchemaQueries } from '../statements/schema-queries.ts'
import { JobClaimer } from './job-claimer.ts'
import { heldColumns, settlementColumns } from './job-columns.ts'
import { JobInserter } from './job-inserter.ts'
import { JobNotifications } from './job-notifications.ts'
import { type CountRow, type JobRow, toCounts, toQueuedJob } from './job-rows.ts'
import { type JobStatements, jobStatements } from './job-statements.ts'
import { OpenClaims } from './open-claims.ts'
import { type RuleRow, ruleColumns, toOtherRules } from './rule-columns.ts'
import { schemaPlace } from './schema-place.ts'

/** Blocks of a table; null: not known, all is to be looked at. */
type Places = readonly [from: number | null, to: number | null]

export interface PostgresJobStoreOptions {
  /** Where `migrate` put the tables. Default 'runutil'. */
  schema?: string | undefined
  /** For tests: where all times come from. Default: the database's own clock. */
  clock?: Clock | undefined
  /** So many characters of JSON a payload or a result may have. Default 4 MiB. */
  maxJson?: number | undefined
}

/**
 * Jobs in PostgreSQL or PGlite. Call `migrate(database)` first.
 *
 * Each method is one statement. Inserts that come together share one; so do the leases of all jobs of a claim.
 *
 * @example
 * const database = await openDatabase()
 * await migrate(database)
 * const queue = new JobQueue(new PostgresJobStore(database))
 */
export class PostgresJobStore implements JobStore, JobStoreFacts, PlacedStore {
  readonly maxJson: number
  readonly #queries: SchemaQueries
  readonly #clock: Clock | undefined
  readonly #statements: JobStatements
  readonly #claims = new OpenClaims()
  /** Of a pass, where it goes on and where it ends. */
  readonly #pruning = new WeakMap<object, Places>()
  readonly #place: object
  /** The longest that was claimed for: what comes later is of no use to who settles and releases. */
  #leaseMs = 0
  readonly #claimer: JobClaimer
  readonly #inserter: JobInserter
  readonly #notifications: JobNotifications

  /** @throws InvalidArgumentError */
  constructor(database: Database, options: PostgresJobStoreOptions = {}) {
    const what = 'PostgresJobStore'
    const known = ['schema', 'clock', 'maxJson'] as const
    const { schema = DEFAULT_SCHEMA, clock, maxJson } = checkOptions(what, options, known)
    this.maxJson = checkMaxJson(maxJson, what)
    if (!has(database, 'transaction')) throw unexpected(what, 'what openDatabase() resolves with', database)
    this.#queries = new SchemaQueries(database, schema, 'jobs')
    this.#clock = clock
    this.#place = schemaPlace(database, schema)
    const statements = (this.#statements = jobStatements(this.#queries.s))
    const props = { queries: this.#queries, statements, channel: this.#queries.channel }
    const onGivenBack = (): void => this.#claimer.gaveBack()
    const notifications = (this.#notifications = new JobNotifications({ ...props, clock, onGivenBack }))
    this.#inserter = new JobInserter({ ...props, notifications, clock })
    this.#claimer = new JobClaimer({ ...props, notifications, clock })
  }

  insert(jobs: readonly NewJob[], { tx }: InTransaction = {}): Promise<void> {
    return tx === undefined ? this.#inserter.insert(jobs) : this.#inserter.insertIn(tx, jobs)
  }

  async claim(
    kinds: readonly string[],
    limit: number,
    lease: Duration,
    options: ClaimOptions = {},
  ): Promise<ClaimedJob[]> {
    const leaseMs = toStorableMs(lease, 'claim: lease')
    this.#leaseMs = Math.max(this.#leaseMs, leaseMs)
    const { jobs, late } = await this.#claimer.claim(kinds, limit, leaseMs, options)
    this.#claims.claimed(jobs)
    if (late.length === 0) return jobs
    await this.#release(late, false)
    return jobs.filter((job) => !late.includes(job))
  }

  async settle<S extends Settlement>(batch: readonly S[], options: SettleOptions = {}): Promise<S[]> {
    const { tx, afterTransaction = false } = options
    if (batch.length === 0) return []
    checkStorable(batch)
    const firsts = firstOfEachJob(batch)
    // In a transaction that may yet roll back, its leases stay.
    const finished = tx === undefined ? plainArray(this.#claims.finishedBy(firsts)) : null
    const params = [...settlementColumns(firsts), finished, this.#now()]
    const statement = afterTransaction ? this.#statements.settleEnded : this.#statements.settle
    const [row] = await this.#queries.run<[string | null]>(statement, params, tx, {
      limitMs: this.#limitMs(),
    })
    if (row![0] === BUSY) throw busyError(firsts)
    if (tx === undefined) {
      this.#claims.ended(firsts)
      this.#notifications.settled(firsts)
    }
    const lost = at(firsts, row![0])
    return batch.filter((one) => lost.some(({ id, claim }) => id === one.id && claim === one.claim))
  }

  async renew<H extends Held>(held: readonly H[], lease: Duration): Promise<H[]> {
    if (held.length === 0) return []
    const leaseMs = toStorableMs(lease, 'renew: lease')
    const params = [...heldColumns(held), leaseMs, this.#now()]
    const [row] = await this.#queries.run<[string | null]>(this.#statements.renew, params, undefined, {
      limitMs: leaseLimit(leaseMs),
      reserved: 'renewals',
    })
    return at(held, row![0])
  }

  async release(held: readonly Held[]): Promise<void> {
    if (held.length > 0) await this.#release(held, true)
  }

  async #release(held: readonly Held[], mayHaveStarted: boolean): Promise<void> {
    const finished = plainArray(this.#claims.finishedBy(held))
    const params = [...heldColumns(held), finished, mayHaveStarted, this.#queries.channel, this.#now()]
    await this.#queries.run(this.#statements.release, params, undefined, { limitMs: this.#limitMs() })
    this.#claimer.gaveBack()
    this.#claims.ended(held)
  }

  async get(id: string): Promise<QueuedJob | undefined> {
    const [row] = await this.#queries.run<JobRow>(this.#statements.get, [id])
    return row && toQueuedJob(row)
  }

  async cancel(id: string): Promise<boolean> {
    const [row] = await this.#queries.run<[boolean]>(this.#statements.cancel, [id, this.#now()])
    return row![0]
  }

  async retryNow(id: string): Promise<boolean> {
    const [row] = await this.#queries.run<[boolean]>(this.#statements.retry, [
      id,
      this.#queries.channel,
      this.#now(),
    ])
    return row![0]
  }

  async counts(): Promise<JobCounts> {
    return toCounts(await this.#queries.run<CountRow>(this.#statements.counts))
  }

  async setRules(worker: string, kinds: ReadonlyMap<string, KindRules>): Promise<OtherRules[]> {
    const params = [worker, ...ruleColumns(kinds), this.#now()]
    return (await this.#queries.run<RuleRow>(this.#statements.setRules, params)).map(toOtherRules)
  }

  async rateOpensIn(kinds: readonly string[]): Promise<number | undefined> {
    const params = [textArray(kinds), this.#now()]
    const [row] = await this.#queries.run<[number | null]>(this.#statements.rateOpensIn, params)
    return row![0] ?? undefined
  }

  async unhandledKinds(): Promise<string[]> {
    const rows = await this.#queries.run<[string]>(this.#statements.unhandledKinds, [this.#now()])
    return rows.map(([kind]) => kind)
  }

  async prune(retention: Duration, limit: number, pass: object = {}): Promise<number> {
    const places = this.#pruning.get(pass) ?? [null, null]
    const params = [toMs(retention, 'prune: retention'), limit, this.#now(), ...places]
    const [row] = await this.#queries.run<[number, ...Places]>(this.#statements.prune, params)
    const [count, from, to] = row!
    this.#pruning.set(pass, [from, to])
    return count
  }

  async pruneByRules(): Promise<boolean> {
    const [row] = await this.#queries.run<[boolean]>(this.#statements.pruneByRules, [this.#now()])
    return row![0]
  }

  listen(onReady: OnReady, kinds?: readonly string[]): Promise<() => Promise<void>> {
    return this.#notifications.wakeUps.listen(onReady, kinds)
  }

  async quietFor(kinds: readonly string[]): Promise<number> {
    if (!this.#notifications.wakeUps.hears) return 0
    const params = [textArray(kinds), this.#now()]
    const [row] = await this.#queries.run<[number | null]>(this.#statements.quietFor, params)
    return Math.max(0, row![0] ?? Infinity)
  }

  place(): object {
    return this.#place
  }

  #limitMs(): number {
    return this.#leaseMs === 0 ? LIMIT_MS : leaseLimit(this.#leaseMs)
  }

  /** Null: the database's. */
  #now(): number | null {
    return this.#clock?.now() ?? null
  }
}

function busyError(held: readonly Held[]): TransactionOpenError {
  const which = held.length === 1 ? `job ${describe(held[0]!.id)}` : `one of ${held.length} jobs`
  return new TransactionOpenError(`a transaction that ${which} is completed in hasn't ended yet`)
}

/** Under each claim: the first outcome of a job counts. */
function firstOfEachJob<H extends Held>(held: readonly H[]): readonly H[] {
  if (new Set(held.map(({ id }) => id)).size === held.length) return held
  const firsts = new Map(held.toReversed().map((one) => [`${one.claim} ${one.id}`, one]))
  return held.filter((one) => firsts.get(`${one.claim} ${one.id}`) === one)
}

/** Those at the places of a JSON list that counts from 1. */
function at<T>(all: readonly T[], places: string | null): T[] {
  return places === null ? [] : (JSON.parse(places) as number[]).map((place) => all[place - 1]!)
}
