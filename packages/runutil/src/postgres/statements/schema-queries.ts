import type { TransactionHandle } from '../../core/queryable.ts'
import { codeOf } from '../../core/thrown.ts'
import type { Database, Statement, StatementOptions, Transaction } from '../database/database.ts'
import { permissionError } from '../database/permission-error.ts'
import { errorInPassing, isToBeRepeated } from '../database/pg-errors.ts'
import { settingError } from '../database/setting-error.ts'
import { queryIn } from '../database/transaction-handle.ts'
import { missingError } from './missing-error.ts'

const MOST_REPEATS = 10
/** How long a statement may take that names no limit of its own. */
export const LIMIT_MS = 30_000
/** No such schema, function, table, column. */
const MISSING = new Set(['3F000', '42883', '42P01', '42703'])
/** invalid_text_representation */
const UNREADABLE = '22P02'

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
   * @param options its limit is 30 s unless told otherwise
   * @throws SchemaMissingError, SchemaTooNewError, PermissionDeniedError, DatabaseSettingError, StoreUnavailableError
   */
  async run<Row extends unknown[]>(
    statement: Statement,
    params: readonly unknown[] = [],
    tx?: TransactionHandle,
    options?: StatementOptions,
  ): Promise<Row[]> {
    try {
      if (tx !== undefined) return (await queryIn(tx, statement.text, [...params])) as Row[]
      const limited = { limitMs: LIMIT_MS, ...options }
      return await this.#repeat(() => this.database.query<Row>(statement, params, limited))
    } catch (error) {
      throw await this.#explained(statement.repeats && tx === undefined ? this.inPassing(error) : error)
    }
  }

  async #explained(error: unknown): Promise<unknown> {
    if (MISSING.has(codeOf(error) ?? '')) return missingError(this.database, this.#schema, error)
    if (codeOf(error) === UNREADABLE) return (await settingError(this.database, error)) ?? error
    return permissionError(error, this.#schema) ?? error
  }

  /** What an error means to a loop, which will ask again. */
  inPassing(error: unknown): unknown {
    return errorInPassing(error, this.database.kind === 'pglite')
  }

  /** As `Database.transaction`, from the beginning when another was in its way. */
  transaction<T>(body: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.#repeat(() => this.database.transaction(body, { limitMs: LIMIT_MS }))
  }

  /** As `Database.listen`, for a loop. @throws StoreUnavailableError */
  async listen(channel: string, callback: (payload: string) => void): Promise<() => Promise<void>> {
    try {
      return await this.database.listen(channel, callback)
    } catch (error) {
      throw this.inPassing(error)
    }
  }

  async #repeat<T>(call: () => Promise<T>): Promise<T> {
    for (let repeats = 0; ; repeats++) {
      try {
        return await call()
      } catch (error) {
        if (!isToBeRepeated(error) || repeats === MOST_REPEATS) throw error
      }
    }
  }
}
