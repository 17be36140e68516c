import type { TransactionHandle } from '../../core/queryable.ts'
import type { Database, Statement } from '../database/database.ts'
import { SchemaMissingError } from '../database/errors.ts'
import { queryableOf } from '../database/transaction-handle.ts'

/** Undone by the server, since another was in its way: it may be run again at once. */
const TO_BE_REPEATED = new Set(['40P01', '40001'])
const MOST_REPEATS = 10
/** No such schema, function, table, column. */
const MISSING = new Set(['3F000', '42883', '42P01', '42703'])

/** Runs the statements of one schema. */
export class SchemaQueries {
  readonly database: Database
  readonly #schema: string

  constructor(database: Database, schema: string) {
    this.database = database
    this.#schema = schema
  }

  /**
   * @param tx the caller's transaction to run it in
   * @throws SchemaMissingError, StoreUnavailableError
   */
  async run<Row extends unknown[]>(
    statement: Statement,
    params: readonly unknown[] = [],
    tx?: TransactionHandle,
  ): Promise<Row[]> {
    try {
      return tx === undefined
        ? await this.#repeat<Row>(statement, params)
        : await inTransaction(tx, statement, params)
    } catch (error) {
      throw MISSING.has(codeOf(error)) ? new SchemaMissingError(this.#schema, error) : error
    }
  }

  async #repeat<Row extends unknown[]>(statement: Statement, params: readonly unknown[]): Promise<Row[]> {
    for (let repeats = 0; ; repeats++) {
      try {
        return await this.database.query<Row>(statement, params)
      } catch (error) {
        if (!TO_BE_REPEATED.has(codeOf(error)) || repeats === MOST_REPEATS) throw error
      }
    }
  }
}

async function inTransaction<Row extends unknown[]>(
  tx: TransactionHandle,
  { text }: Statement,
  params: readonly unknown[],
): Promise<Row[]> {
  const { rows } = await queryableOf(tx).query(text, [...params])
  return rows.map((row) => (Array.isArray(row) ? row : Object.values(row as object)) as Row)
}

function codeOf(error: unknown): string {
  return (error as { code?: string } | undefined)?.code ?? ''
}
