import { type Duration, toStorableIntervalMs, toStorableMs } from '../../core/duration.ts'
import { unexpected } from '../../core/errors.ts'
import { has } from '../../core/has.ts'
import { checkOptions } from '../../core/options.ts'
import {
  type ActionLedger,
  type Following,
  MOST_LOOKED_AT,
  type OnChange,
  type OperationHint,
  type RecordPage,
  type RecordPlace,
  type SearchHint,
  type SeenRecord,
  type UpdateOptions,
} from '../../dispatch/action-ledger.ts'
import type { ActionRecord, RecordChange } from '../../dispatch/action.ts'
import { ErrActionEnded, ErrNoSuchAction } from '../../dispatch/errors.ts'
import type { TaskExchange } from '../../dispatch/task-exchange.ts'
import type { Database } from '../database/database.ts'
import { EQ, GT, TEXT } from '../database/qualified.ts'
import { DEFAULT_SCHEMA } from '../schema/schema-name.ts'
import { fromStorable } from '../statements/storable-json.ts'
import { SchemaQueries } from '../statements/schema-queries.ts'
import { ActionFollower } from './action-follower.ts'
import { ChangeBatches } from './change-batches.ts'
import { PostgresTaskExchange } from './postgres-task-exchange.ts'
import { TakenTasks } from './taken-tasks.ts'

/** Options of a `PostgresActionLedger`. */
export interface PostgresActionLedgerOptions {
  /** Where `migrate` put the tables. Default 'runutil'. */
  schema?: string | undefined
  /** How long a worker counts as live after its process has died. Default 10 s. */
  lease?: Duration | undefined
}

/** Actions read or removed per statement. */
const PAGE = 500
/**
 * Actions in PostgreSQL or PGlite, for managers and workers in any number of processes. Call `migrate(database)` first.
 *
 * Each change has a revision, in the order of the commits, so that followers miss none. For that, one process at a time
 * changes actions; changes that it makes at the same time share a transaction.
 *
 * @example
 * const ledger = new PostgresActionLedger(await openDatabase())
 * const manager = new Manager({ operation: 'screenshot', ledger })
 */
export class PostgresActionLedger implements ActionLedger {
  readonly exchange: TaskExchange
  readonly #workers: PostgresTaskExchange
  readonly #queries: SchemaQueries
  readonly #taken: TakenTasks
  readonly #changes: ChangeBatches

  /** @throws InvalidArgumentError, InvalidDurationError */
  constructor(database: Database, options: PostgresActionLedgerOptions = {}) {
    const what = 'PostgresActionLedger'
    const { schema = DEFAULT_SCHEMA, lease = '10s' } = checkOptions(what, options, ['schema', 'lease'])
    if (!has(database, 'transaction')) throw unexpected(what, 'what openDatabase() resolves with', database)
    this.#queries = new SchemaQueries(database, schema, 'dispatch')
    this.#taken = new TakenTasks(this.#queries)
    this.#changes = new ChangeBatches(this.#queries)
    this.#workers = new PostgresTaskExchange(this.#queries, toStorableIntervalMs(lease, `${what}: lease`))
    this.exchange = this.#workers
  }

  async create(record: ActionRecord): Promise<void> {
    await this.#changes.call({ kind: 'create', record })
  }

  async dispatch(record: ActionRecord, onTaken: () => void = () => {}): Promise<boolean> {
    await this.#taken.watch(record.id, onTaken)
    let isWritten = false
    try {
      const taker = this.#workers.workerHere(record)?.takerWhileIdle(record.host)
      const result = await this.#changes.call({ kind: 'dispatch', record, taker })
      isWritten = result.isWritten === true
      if (result.next?.action === record.id) this.#taken.taken(record.id)
    } finally {
      if (isWritten) this.#taken.written(record.id)
      else this.#taken.forget(record.id)
    }
    return isWritten
  }

  async update(
    change: RecordChange,
    { ifRunning = false, doneBy }: UpdateOptions = {},
  ): Promise<ActionRecord> {
    const taker = doneBy && this.#workers.workerHere(doneBy)?.takerAfter(change.id)
    const { record, ended } = await this.#changes.call({ kind: 'update', change, ifRunning, taker })
    if (record === null || record === undefined) throw new ErrNoSuchAction(change.id)
    if (typeof ended === 'string') throw new ErrActionEnded(change.id, ended)
    return record
  }

  async get(id: string): Promise<ActionRecord | undefined> {
    const text = /* sql */ `select record::${TEXT} from ${this.#queries.s}.actions where id ${EQ} $1::${TEXT}`
    const [row] = await this.#queries.rows<[string]>(text, [id])
    return row && fromStorable(row[0])
  }

  async *search({ operation, status, host, target }: SearchHint): AsyncIterable<SeenRecord> {
    const equal = ['operation', 'status', 'host', 'target'].map(
      (name, at) => /* sql */ `($${at + 3}::${TEXT} is null or ${name} ${EQ} $${at + 3})`,
    )
    // A literal in the text, so that the planner can use the index of running actions.
    const narrowed = status === 'running' ? /* sql */ `and status ${EQ} 'running'` : ''
    const text = /* sql */ `select seq::double precision, revision::double precision, record::${TEXT} from ${this.#queries.s}.actions
      where seq ${GT} $1::bigint and ${equal.join(' and ')} ${narrowed} order by seq limit $2::integer`
    const wanted = [operation, status, host, target].map((value) => value ?? null)
    for (let after = 0, full = true; full;) {
      const rows = await this.#queries.rows<[number, number, string]>(text, [after, PAGE, ...wanted])
      for (const [, revision, record] of rows) yield { record: fromStorable(record), revision }
      full = rows.length === PAGE
      after = rows.at(-1)?.[0] ?? after
    }
  }

  async newest(
    { operation, status, host, target }: OperationHint,
    { limit, after }: RecordPlace,
  ): Promise<RecordPage> {
    const { s } = this.#queries
    const text = /* sql */ `select id, record::${TEXT}, looked_at from ${s}.newest_actions($1::${TEXT}, $2::${TEXT}, $3::${TEXT},
      $4::${TEXT}, $5::${TEXT}, $6::integer)`
    const params = [operation, status ?? null, host ?? null, target ?? null, after ?? null, limit]
    const rows = await this.#queries.rows<[string, string | null, number]>(text, params)
    const last = rows.at(-1)
    if (last === undefined) {
      if (after !== undefined && (await this.get(after)) === undefined) throw new ErrNoSuchAction(after)
      return { records: [], next: undefined }
    }
    const records = rows.flatMap(([, record]) => (record === null ? [] : fromStorable<ActionRecord>(record)))
    const [id, , lookedAt] = last
    return { records, next: rows.length < lookedAt || lookedAt === MOST_LOOKED_AT ? id : undefined }
  }

  async follow(onChange: OnChange, onEnd: (error: unknown) => void): Promise<Following> {
    const follower = new ActionFollower(this.#queries, this.#changes.author, onChange, onEnd)
    const off = this.#changes.follow(follower)
    const stop = async (): Promise<void> => {
      off()
      await follower.stop()
    }
    try {
      return { revision: await follower.start(), off: stop }
    } catch (error) {
      off()
      throw error
    }
  }

  /**
   * Removes actions that ended and have not changed for `olderThan`, with their records. It may be called at any time and
   * from several processes. Managers and monitors may lag behind: keep at least some minutes.
   *
   * @returns the number of removed actions
   * @throws InvalidDurationError
   *
   * @example
   * distributedRepeat(leases, 'prune', '1d', async () => void (await ledger.prune('30d')))
   */
  async prune(olderThan: Duration): Promise<number> {
    const ageMs = toStorableMs(olderThan, 'prune')
    const text = /* sql */ `select ${this.#queries.s}.prune_actions($1::double precision, ${PAGE})`
    for (let removed = 0; ;) {
      const [row] = await this.#queries.rows<[number | null]>(text, [ageMs])
      if (row![0] === null) return removed
      removed += row![0]
    }
  }
}
