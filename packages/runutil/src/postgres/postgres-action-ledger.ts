import { type Duration, toIntervalMs } from '../core/duration.ts'
import { unexpected } from '../core/errors.ts'
import { checkOptions } from '../core/options.ts'
import { has } from '../core/worker.ts'
import type { ActionLedger, SearchHint, SeenRecord } from '../dispatch/action-ledger.ts'
import type { ActionRecord, RecordChange } from '../dispatch/action.ts'
import { ErrActionEnded, ErrNoSuchAction } from '../dispatch/errors.ts'
import type { TaskExchange } from '../dispatch/task-exchange.ts'
import { ActionFollower } from './action-follower.ts'
import { ActionQueries } from './action-queries.ts'
import type { Database } from './database.ts'
import { PostgresTaskExchange } from './postgres-task-exchange.ts'
import { DEFAULT_SCHEMA } from './schema.ts'

export interface PostgresActionLedgerOptions {
  /** Where `migrate` put the tables. Default 'runutil'. */
  schema?: string | undefined
  /** How long a worker of a process that has died is taken for live. Default 10 s. */
  lease?: Duration | undefined
}

/** How many actions a search reads at a time. */
const PAGE = 500

/**
 * Actions in PostgreSQL or PGlite, for managers and workers in as many processes as have the database. Call
 * `migrate(database)` first.
 *
 * Changes are made one at a time, each with a revision that says its place, so that who follows misses none.
 *
 * @example
 * const ledger = new PostgresActionLedger(await openDatabase())
 * const manager = new Manager({ operation: 'screenshot', ledger })
 */
export class PostgresActionLedger implements ActionLedger {
  readonly exchange: TaskExchange
  readonly #queries: ActionQueries

  /** @throws InvalidArgumentError, InvalidDurationError */
  constructor(database: Database, options: PostgresActionLedgerOptions = {}) {
    const what = 'PostgresActionLedger'
    const { schema = DEFAULT_SCHEMA, lease = '10s' } = checkOptions(what, options, ['schema', 'lease'])
    if (!has(database, 'transaction')) throw unexpected(what, 'what openDatabase() resolves with', database)
    this.#queries = new ActionQueries(database, schema)
    this.exchange = new PostgresTaskExchange(this.#queries, toIntervalMs(lease, `${what}: lease`))
  }

  async create(record: ActionRecord): Promise<void> {
    const { s, channel } = this.#queries
    const text = `select ${s}.create_action($1::text::json, $2::text)`
    await this.#queries.rows(text, [JSON.stringify(record), channel])
  }

  async update(change: RecordChange): Promise<ActionRecord> {
    const { s, channel } = this.#queries
    const text = `select ${s}.update_action($1::text::json, $2::text)::text`
    const [row] = await this.#queries.rows<[string | null]>(text, [JSON.stringify(change), channel])
    const result = JSON.parse(row![0] ?? 'null') as ActionRecord | string | null
    if (result === null) throw new ErrNoSuchAction(change.id)
    if (typeof result === 'string') throw new ErrActionEnded(change.id, result)
    return result
  }

  async get(id: string): Promise<ActionRecord | undefined> {
    const text = `select record::text from ${this.#queries.s}.actions where id = $1::text`
    const [row] = await this.#queries.rows<[string]>(text, [id])
    return row && (JSON.parse(row[0]) as ActionRecord)
  }

  async *search({ operation, status, host, target }: SearchHint): AsyncIterable<SeenRecord> {
    const equal = ['operation', 'status', 'host', 'target'].map(
      (name, at) => `($${at + 3}::text is null or ${name} = $${at + 3})`,
    )
    // Named in the text, so that the index of those that are running is known to do.
    const narrowed = status === 'running' ? `and status = 'running'` : ''
    const text = `select seq::float8, revision::float8, record::text from ${this.#queries.s}.actions
      where seq > $1::bigint and ${equal.join(' and ')} ${narrowed} order by seq limit $2::integer`
    const wanted = [operation, status, host, target].map((value) => value ?? null)
    for (let after = 0, full = true; full;) {
      const rows = await this.#queries.rows<[number, number, string]>(text, [after, PAGE, ...wanted])
      for (const [, revision, record] of rows) yield { record: JSON.parse(record) as ActionRecord, revision }
      full = rows.length === PAGE
      after = rows.at(-1)?.[0] ?? after
    }
  }

  async follow(onChange: (seen: SeenRecord) => void) {
    const follower = new ActionFollower(this.#queries, onChange)
    return { revision: await follower.start(), off: () => follower.stop() }
  }
}
