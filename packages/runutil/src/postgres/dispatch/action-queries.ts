import type { Database, Statement } from '../database/database.ts'
import { quotedSchema } from '../schema/schema-name.ts'
import { SchemaQueries } from '../statements/schema-queries.ts'

/** Each text has a name of its own, so that the server plans it once a connection. */
const statements = new Map<string, Statement>()

/** The statements of dispatch in one schema. */
export class ActionQueries {
  readonly database: Database
  /** The quoted schema. */
  readonly s: string
  /** What is notified of changes: '' of actions, else of tasks. */
  readonly channel: string
  readonly #queries: SchemaQueries

  constructor(database: Database, schema: string) {
    this.database = database
    this.s = quotedSchema(schema)
    this.channel = `dispatch.${schema}`.slice(0, 63)
    this.#queries = new SchemaQueries(database, schema)
  }

  rows<Row extends unknown[]>(text: string, params: readonly unknown[]): Promise<Row[]> {
    const statement = statements.get(text) ?? { name: `runutil dispatch ${statements.size}`, text }
    statements.set(text, statement)
    return this.#queries.run<Row>(statement, params)
  }
}
