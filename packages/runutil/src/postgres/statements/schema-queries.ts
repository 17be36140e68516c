import type { TransactionHandle } from '../../core/queryable.ts'
import type { Database, Statement, StatementOptions } from '../database/database.ts'
import { SchemaMissingError } from '../database/errors.ts'
import { permissionError } from '../database/permission-error.ts'
import { settingError } from '../database/setting-error.ts'
import { queryIn } from '../database/transaction-handle.ts'

/** Undone by the server, since another was in its way: it may be run again at once. */
const TO_BE_REPEATED = new Set(['40P01', '40001'])
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
   * @throws SchemaMissingError, PermissionDeniedError, DatabaseSettingError, StoreUnavailableError
   */
  async run<Row extends unknown[]>(
    statement: Statement,
    params: readonly unknown[] = [],
    tx?: TransactionHandle,
    options?: StatementOptions,
  ): Promise<Row[]> {
    try {
      return tx === undefined
        ? await this.#repeat<Row>(statement, params, { limitMs: LIMIT_MS, ...options })
        : ((await queryIn(tx, statement.text, [...params])) as Row[])
    } catch (error) {
      throw await this.#explained(error)
    }
  }

  async #explained(error: unknown): Promise<unknown> {
    if (MISSING.has(codeOf(error))) return new SchemaMissingError(this.#schema, error)
    if (codeOf(error) === UNREADABLE) return (await settingError(this.database, error)) ?? error
    return permissionError(error, this.#schema) ?? error
  }

  async #repeat<Row extends unknown[]>(
    statement: Statement,
    params: readonly unknown[],
    options: StatementOptions,
  ): Promise<Row[]> {
    for (let repeats = 0; ; repeats++) {
      try {
        return await this.database.query<Row>(statement, params, options)
      } catch (error) {
        if (!TO_BE_REPEATED.has(codeOf(error)) || repeats === MOST_REPEATS) throw error
      }
    }
  }
}

function codeOf(error: unknown): string {
  return (error as { code?: string } | undefined)?.code ?? ''
}
