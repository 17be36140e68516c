import { ErrGone } from '../../coordinate/errors.ts'
import type { Database, StatementOptions } from '../database/database.ts'
import { SchemaQueries } from '../statements/schema-queries.ts'

/** The statements of coordinate. A row that doesn't exist any more is an ErrGone. */
export class Queries extends SchemaQueries {
  readonly #now: (() => number) | undefined

  constructor(database: Database, schema: string, now: (() => number) | undefined) {
    super(database, schema, 'work')
    this.#now = now
  }

  /** For `store_time`: null is the database's own time. */
  get now(): number | null {
    return this.#now?.() ?? null
  }

  /** @throws ErrGone when there is no row, or its first column is null */
  async row<Row extends unknown[]>(
    what: string,
    text: string,
    params: readonly unknown[],
    options?: StatementOptions,
  ): Promise<Row> {
    const [row] = await this.rows<Row>(text, params, options)
    if (row === undefined || row[0] === null) throw new ErrGone(what)
    return row
  }

  /** The JSON in the first column. @throws ErrGone as row */
  async json<T>(
    what: string,
    text: string,
    params: readonly unknown[],
    options?: StatementOptions,
  ): Promise<T> {
    const [json] = await this.row<[string]>(what, text, params, options)
    return JSON.parse(json) as T
  }
}
