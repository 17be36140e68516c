import type { Progress } from '../../core/progress.ts'
import type { Clock } from '../../core/clock.ts'
import { type Duration, toMs, toStorableMs } from '../../core/duration.ts'
import { unexpected } from '../../core/errors.ts'
import { has } from '../../core/has.ts'
import { checkOptions } from '../../core/options.ts'
import type { ClaimOptions } from '../../queue/claim-options.ts'
import type {
  Held,
  InsertOptions,
  JobCounts,
  JobStore,
  JobStoreFacts,
  ListPage,
  NewJob,
  SettleOptions,
  PlacedStore,
  SettledAndClaimed,
  StoredPage,
} from '../../queue/job-store.ts'
import type { ParsedQuery } from '../../queue/job-query.ts'
import type { Enqueued, JobSummary, LeasedJob, QueuedJob } from '../../queue/job.ts'
import type { KindMinute } from '../../queue/job-minutes.ts'
import type { CancelOptions, JobChange, JobRetry, RetriedJob } from '../../queue/job-operations.ts'
import type { DependencyResult } from '../../queue/dependencies.ts'
import type { KindRules, OtherRules } from '../../queue/kind-rules.ts'
import type { KindStats } from '../../queue/kind-stats.ts'
import { checkMaxJson } from '../../queue/max-json.ts'
import type { Settlement } from '../../queue/outcome.ts'
import type { OnReady } from '../../queue/ready-listeners.ts'
import type { Database } from '../database/database.ts'
import { DEFAULT_SCHEMA } from '../schema/schema-name.ts'
import { textArray } from '../statements/array-literal.ts'
import { SchemaQueries } from '../statements/schema-queries.ts'
import { HeldJobs } from './held-jobs.ts'
import { JobClaimer } from './job-claimer.ts'
import { JobInserter } from './job-inserter.ts'
import { LinkedJobInserter } from './linked-job-inserter.ts'
import { JobNotifications } from './job-notifications.ts'
import { queryJson } from './query-json.ts'
import {
  type CountRow,
  type DependencyRow,
  type JobRow,
  type ListRow,
  type SummaryRow,
  toCounts,
  toDependency,
  toJobSummary,
  toPage,
  toQueuedJob,
} from './job-rows.ts'
import { JobOperator } from './job-operator.ts'
import { type JobStatements, jobStatements } from './job-statements.ts'
import { type KindRow, minuteColumns, toStats } from './kind-rows.ts'
import { type RuleRow, ruleColumns, toOtherRules } from './rule-columns.ts'
import { schemaPlace } from './schema-place.ts'
import { SettlingClaimer } from './settling-claimer.ts'

/** Blocks of a table; null: unknown, the whole table is searched. */
type Places = readonly [from: number | null, to: number | null]

/** Options of a `PostgresJobStore`. */
export interface PostgresJobStoreOptions {
  /** Where `migrate` put the tables. Default 'runutil'. */
  schema?: string | undefined
  /** For tests: where all times come from. Default: the database's own clock. */
  clock?: Clock | undefined
  /** The most characters of JSON in a payload or a result. Default 4 MiB. */
  maxJson?: number | undefined
}

/**
 * Jobs in PostgreSQL or PGlite. Call `migrate(database)` first.
 *
 * Each method is one statement. Concurrent inserts share one, and all jobs of a claim share a lease row.
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
  /** By pass: where it continues and where it ends. */
  readonly #pruning = new WeakMap<object, Places>()
  readonly #place: object
  readonly #claimer: JobClaimer
  readonly #inserter: JobInserter
  readonly #linkedInserter: LinkedJobInserter
  readonly #held: HeldJobs
  readonly #settlingClaimer: SettlingClaimer
  readonly #notifications: JobNotifications
  readonly #operator: JobOperator

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
    const onRequeued = (): void => this.#claimer.requeued()
    const notifications = (this.#notifications = new JobNotifications({ ...props, clock, onRequeued }))
    this.#operator = new JobOperator({ ...props, clock })
    this.#inserter = new JobInserter({ ...props, notifications, clock })
    this.#linkedInserter = new LinkedJobInserter({ ...props, notifications, clock })
    this.#claimer = new JobClaimer({ ...props, notifications, clock })
    const held = (this.#held = new HeldJobs({ ...props, notifications, clock, claimer: this.#claimer }))
    this.#settlingClaimer = new SettlingClaimer({ ...props, clock, held, claimer: this.#claimer })
  }

  async insert(jobs: readonly NewJob[], options: InsertOptions = {}): Promise<Enqueued[]> {
    const { tx, onExists = 'fail' } = options
    if (onExists !== 'fail' || jobs.some(isLinked)) return this.#linkedInserter.insert(jobs, options)
    return tx === undefined ? this.#inserter.insert(jobs) : this.#inserter.insertIn(tx, jobs)
  }

  async claim(
    kinds: readonly string[],
    limit: number,
    lease: Duration,
    options: ClaimOptions = {},
  ): Promise<LeasedJob[]> {
    const leaseMs = toStorableMs(lease, 'claim: lease')
    return this.#held.claimed(await this.#claimer.claim(kinds, limit, leaseMs, options), leaseMs)
  }

  async settleAndClaim<S extends Settlement>(
    batch: readonly S[],
    kinds: readonly string[],
    limit: number,
    lease: Duration,
    options: ClaimOptions = {},
  ): Promise<SettledAndClaimed<S>> {
    const leaseMs = toStorableMs(lease, 'settleAndClaim: lease')
    const { lost, ...claimed } = await this.#settlingClaimer.claim(batch, { kinds, limit, leaseMs, options })
    return { lost, jobs: await this.#held.claimed(claimed, leaseMs) }
  }

  settle<S extends Settlement>(batch: readonly S[], options?: SettleOptions): Promise<S[]> {
    return this.#held.settle(batch, options)
  }

  renew<H extends Held>(
    held: readonly H[],
    lease: Duration,
    progress?: ReadonlyMap<Held, Progress>,
  ): Promise<H[]> {
    return this.#held.renew(held, lease, progress)
  }

  release(held: readonly Held[]): Promise<void> {
    return this.#held.release(held, true)
  }

  async get(id: string): Promise<QueuedJob | undefined> {
    const [row] = await this.#queries.run<JobRow>(this.#statements.get, [id])
    return row && toQueuedJob(row)
  }

  async list(query: ParsedQuery, page: ListPage): Promise<StoredPage> {
    const params = this.#listParams(query, page)
    return toPage(await this.#queries.run<ListRow<JobRow>>(this.#statements.list, params), toQueuedJob)
  }

  async listSummaries(query: ParsedQuery, page: ListPage): Promise<StoredPage<JobSummary>> {
    const params = this.#listParams(query, page)
    const rows = await this.#queries.run<ListRow<SummaryRow>>(this.#statements.listSummaries, params)
    return toPage(rows, toJobSummary)
  }

  #listParams(query: ParsedQuery, { limit, after }: ListPage): unknown[] {
    return [queryJson(query), limit, after ?? null, this.#now()]
  }

  async dependencies(id: string): Promise<DependencyResult[]> {
    return (await this.#queries.run<DependencyRow>(this.#statements.dependencies, [id])).map(toDependency)
  }

  async failDependents(): Promise<boolean> {
    const [row] = await this.#queries.run<[boolean]>(this.#statements.failDependents, [this.#now()])
    return row![0]
  }

  cancel(id: string): Promise<boolean> {
    return this.#operator.cancel(id)
  }

  retryNow(id: string): Promise<boolean> {
    return this.#operator.retryNow(id)
  }

  cancelJobs(ids: readonly string[], options?: CancelOptions): Promise<number> {
    return this.#operator.cancelJobs(ids, options)
  }

  deleteJobs(ids: readonly string[]): Promise<number> {
    return this.#operator.deleteJobs(ids)
  }

  retryJobs(retries: readonly JobRetry[]): Promise<RetriedJob[]> {
    return this.#operator.retryJobs(retries)
  }

  reschedule(id: string, change: JobChange): Promise<boolean> {
    return this.#operator.reschedule(id, change)
  }

  async pause(kind: string): Promise<void> {
    await this.#queries.run(this.#statements.pause, [kind])
  }

  async resume(kind: string): Promise<void> {
    await this.#queries.run(this.#statements.resume, [kind, this.#queries.channel])
  }

  async paused(): Promise<string[]> {
    return (await this.#queries.run<[string]>(this.#statements.paused)).map(([kind]) => kind)
  }

  async counts(): Promise<JobCounts> {
    return toCounts(await this.#queries.run<CountRow>(this.#statements.counts))
  }

  async stats(): Promise<KindStats[]> {
    return toStats(await this.#queries.run<KindRow>(this.#statements.stats, [this.#now()]))
  }

  async addMinutes(minutes: readonly KindMinute[]): Promise<void> {
    await this.#queries.run(this.#statements.addMinutes, [...minuteColumns(minutes), this.#now()])
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
    if (!this.#notifications.wakeUps.receives) return 0
    const params = [textArray(kinds), this.#now()]
    const [row] = await this.#queries.run<[number | null]>(this.#statements.quietFor, params)
    return Math.max(0, row![0] ?? Infinity)
  }

  place(): object {
    return this.#place
  }

  /** Null: the database's time. */
  #now(): number | null {
    return this.#clock?.now() ?? null
  }
}

/** Whether a job has to do with others, which a function of its own looks after. */
function isLinked({ unique, after }: NewJob): boolean {
  return unique !== undefined || after !== undefined
}
