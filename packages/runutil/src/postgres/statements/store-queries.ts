import type { Database, Statement, StatementOptions } from '../database/database.ts'
import { channelName, quotedSchema } from '../schema/schema-name.ts'
import { SchemaQueries } from './schema-queries.ts'

/** Each text has a name of its own, so that the server plans it once a connection. */
const statements = new Map<string, Statement>()

/**
 * The statements of one store in one schema, each prepared when it is first run. They are sent by loops, or by calls that
 * loops make as well: what the server says in passing is a StoreUnavailableError to all of them.
 */
export class StoreQueries {
  readonly database: Database
  /** The quoted schema. */
  readonly s: string
  /** What is notified of changes. */
  readonly channel: string
  readonly #store: string
  readonly #queries: SchemaQueries

  /** @param store begins the names of its statements and of its channel */
  constructor(database: Database, schema: string, store: 'dispatch' | 'work') {
    this.database = database
    this.s = quotedSchema(schema)
    this.channel = channelName(store, schema)
    this.#store = store
    this.#queries = new SchemaQueries(database, schema)
  }

  rows<Row extends unknown[]>(
    text: string,
    params: readonly unknown[],
    options?: StatementOptions,
  ): Promise<Row[]> {
    const statement = statements.get(text) ?? {
      name: `runutil ${this.#store} ${statements.size}`,
      text,
      repeats: true,
    }
    statements.set(text, statement)
    return this.#queries.run<Row>(statement, params, undefined, options)
  }

  /** As `Database.listen`, for a loop. @throws StoreUnavailableError */
  listen(channel: string, callback: (payload: string) => void): Promise<() => Promise<void>> {
    return this.#queries.listen(channel, callback)
  }
}
