import { ErrGone } from '../../coordinate/errors.ts'
import type { Database, Statement } from '../database/database.ts'
import { quotedSchema } from '../schema/schema-name.ts'
import { SchemaQueries } from '../statements/schema-queries.ts'

/** Each text has a name of its own, so that the server plans it once a connection. */
const statements = new Map<string, Statement>()

/** The statements of coordinate in one schema. */
export class WorkQueries {
  readonly database: Database
  /** The quoted schema. */
  readonly s: string
  /** What is notified when there may be work. */
  readonly channel: string
  readonly #queries: SchemaQueries

  constructor(database: Database, schema: string) {
    this.database = database
    this.s = quotedSchema(schema)
    this.channel = `work.${schema}`.slice(0, 63)
    this.#queries = new SchemaQueries(database, schema)
  }

  rows<Row extends unknown[]>(text: string, params: readonly unknown[]): Promise<Row[]> {
    const statement = statements.get(text) ?? { name: `runutil work ${statements.size}`, text }
    statements.set(text, statement)
    return this.#queries.run<Row>(statement, params)
  }

  /** @throws ErrGone when there is no row, or its first column is null */
  async row<Row extends unknown[]>(what: string, text: string, params: readonly unknown[]): Promise<Row> {
    const [row] = await this.rows<Row>(text, params)
    if (row === undefined || row[0] === null) throw new ErrGone(what)
    return row
  }

  /** The JSON in the first column. @throws ErrGone as row */
  async json<T>(what: string, text: string, params: readonly unknown[]): Promise<T> {
    const [json] = await this.row<[string]>(what, text, params)
    return JSON.parse(json) as T
  }
}
