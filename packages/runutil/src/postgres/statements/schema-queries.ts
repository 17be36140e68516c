import { createHash } from 'node:crypto'
import type { TransactionHandle } from '../../core/queryable.ts'
import { codeOf } from '../../core/thrown.ts'
import type { Database, Statement, StatementOptions, Transaction } from '../database/database.ts'
import { permissionError } from '../database/permission-error.ts'
import { transientError, isRetryable } from '../database/pg-errors.ts'
import { settingError } from '../database/setting-error.ts'
import { queryIn } from '../database/transaction-handle.ts'
import { channelName, quotedSchema } from '../schema/schema-name.ts'
import { missingError } from './missing-error.ts'

const MOST_REPEATS = 10
/** The limit of a statement that has none of its own. */
export const LIMIT_MS = 30_000
/** Codes of a missing schema, function, table or column. */
const MISSING = new Set(['3F000', '42883', '42P01', '42703'])
/** invalid_text_representation */
const UNREADABLE = '22P02'

/** A statement without the name that it is prepared under. */
export type StatementText = Omit<Statement, 'name'>

/** The stores of a schema. */
type StoreName = 'jobs' | 'work' | 'dispatch' | 'leases' | 'replicas'

/** Runs the statements of one store in one schema. Each text is prepared under a name of its own. */
export class SchemaQueries {
  readonly database: Database
  /** The quoted schema. */
  readonly s: string
  /** The channel that changes are notified on. */
  readonly channel: string
  readonly #schema: string
  readonly #store: StoreName
  /** The name of each text. */
  readonly #names = new Map<string, string>()

  /** @throws InvalidArgumentError for a schema that PostgreSQL wouldn't take as it is */
  constructor(database: Database, schema: string, store: StoreName) {
    this.database = database
    this.s = quotedSchema(schema)
    this.channel = channelName(store, schema)
    this.#schema = schema
    this.#store = store
  }

  /** Runs a statement that a loop sends, or a call that loops make as well. @throws as run */
  rows<Row extends unknown[]>(
    text: string,
    params: readonly unknown[],
    options?: StatementOptions,
  ): Promise<Row[]> {
    return this.run<Row>({ text, repeats: true }, params, undefined, options)
  }

  /**
   * @param tx the caller's transaction to run it in
   * @param options its default limit is 30 s
   * @throws SchemaMissingError, SchemaTooNewError, PermissionDeniedError, DatabaseSettingError, StoreUnavailableError
   */
  async run<Row extends unknown[]>(
    statement: StatementText,
    params: readonly unknown[] = [],
    tx?: TransactionHandle,
    options?: StatementOptions,
  ): Promise<Row[]> {
    try {
      if (tx !== undefined) return (await queryIn(tx, statement.text, [...params])) as Row[]
      const { text, repeats } = statement
      const named = { name: this.#nameOf(text), text, repeats }
      const limited = { limitMs: options?.limitMs ?? LIMIT_MS, reserved: options?.reserved }
      return await this.#repeat(() => this.database.query<Row>(named, params, limited))
    } catch (error) {
      throw await this.#explained(statement.repeats && tx === undefined ? this.asTransient(error) : error)
    }
  }

  /** Follows from the text, so that two stores that share a connection never give one name to two texts. */
  #nameOf(text: string): string {
    const known = this.#names.get(text)
    if (known !== undefined) return known
    const hash = createHash('sha256').update(text).digest('hex').slice(0, 16)
    const name = `runutil ${this.#store} ${hash}`
    this.#names.set(text, name)
    return name
  }

  async #explained(error: unknown): Promise<unknown> {
    if (MISSING.has(codeOf(error) ?? '')) return missingError(this.database, this.#schema, error)
    if (codeOf(error) === UNREADABLE) return (await settingError(this.database, error)) ?? error
    return permissionError(error, this.#schema) ?? error
  }

  /** What an error means to a loop, which will try again. */
  asTransient(error: unknown): unknown {
    return transientError(error, this.database.kind === 'pglite')
  }

  /** As `Database.transaction`; repeated after a conflict with a concurrent one. */
  transaction<T>(body: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.#repeat(() => this.database.transaction(body, { limitMs: LIMIT_MS }))
  }

  /** As `Database.listen`, for a loop. @throws StoreUnavailableError */
  async listen(channel: string, callback: (payload: string) => void): Promise<() => Promise<void>> {
    try {
      return await this.database.listen(channel, callback)
    } catch (error) {
      throw this.asTransient(error)
    }
  }

  async #repeat<T>(call: () => Promise<T>): Promise<T> {
    for (let repeats = 0; ; repeats++) {
      try {
        return await call()
      } catch (error) {
        if (!isRetryable(error) || repeats === MOST_REPEATS) throw error
      }
    }
  }
}
