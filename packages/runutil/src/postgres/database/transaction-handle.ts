import { describe } from '../../core/describe.ts'
import { has } from '../../core/has.ts'
import type { TransactionHandle } from '../../core/queryable.ts'
import { type OpenHandle, handleOf, refusal } from './library-handles.ts'

const ANY =
  'a transaction of pg, PGlite, Kysely, Drizzle, postgres.js, knex, TypeORM, Sequelize or pg-promise'

/**
 * Runs a statement in the caller's transaction, of any supported library.
 *
 * Some libraries know whether a transaction is open; otherwise a savepoint finds out, which costs two more round trips.
 * Outside of a transaction nothing is run.
 *
 * @returns the rows, each an array of its columns
 * @throws InvalidArgumentError for anything but an open transaction; nothing has changed then
 */
export async function queryIn(tx: TransactionHandle, text: string, params: unknown[]): Promise<unknown[][]> {
  const handle = handleOf(tx) ?? unknownHandle(tx)
  try {
    if (!handle.isSure) return await atSavepoint(handle, tx, (query) => query(text, params))
    return rowsOf(await handle.query(text, params), tx)
  } catch (error) {
    if (!codesOf(error).includes(FAILED_TRANSACTION)) throw error
    throw refusal(`${describe(tx)}, whose transaction has failed`, 'one after rollback and begin')
  }
}

/** Anything with a `query` may be one. */
function unknownHandle(tx: unknown): OpenHandle {
  if (!has(tx, 'query')) throw refusal(describe(tx), `${ANY}, or an object with query(text, params)`)
  const unknown = tx as OpenHandle
  return { query: (text, params) => unknown.query(text, params), isSure: false }
}

/** A savepoint fails outside of a transaction; a result without rows is rolled back to it. */
async function atSavepoint(
  handle: OpenHandle,
  tx: unknown,
  body: (query: OpenHandle['query']) => PromiseLike<unknown>,
): Promise<unknown[][]> {
  const query: OpenHandle['query'] = (text, params) => handle.query(text, params)
  try {
    await query('savepoint runutil', [])
  } catch (error) {
    if (!codesOf(error).includes(NO_TRANSACTION)) throw error
    throw refusal(`${describe(tx)}, which is outside of a transaction`, ANY)
  }
  const result = await body(query)
  try {
    return rowsOf(result, tx)
  } catch (error) {
    await query('rollback to savepoint runutil', [])
    throw error
  } finally {
    await query('release savepoint runutil', [])
  }
}

/** no_active_sql_transaction */
const NO_TRANSACTION = '25P01'
/** in_failed_sql_transaction */
const FAILED_TRANSACTION = '25P02'

/** The server's error code, which libraries wrap in errors of their own. */
function codesOf(error: unknown): unknown[] {
  const { code, original, driverError, cause } = Object(error) as Record<
    string,
    { code?: unknown } | undefined
  >
  return [code, original?.code, driverError?.code, cause?.code]
}

/** From an array of rows, or an object with `rows`; a row is an array or an object by its columns. */
function rowsOf(result: unknown, tx: unknown): unknown[][] {
  const rows = Array.isArray(result)
    ? (result as unknown[])
    : (result as { rows?: unknown } | undefined)?.rows
  if (!Array.isArray(rows)) {
    throw refusal(
      `${describe(tx)}, whose query returns ${describe(result)}`,
      `one that returns rows or { rows }, such as ${ANY}`,
    )
  }
  return rows.map((row) =>
    Array.isArray(row) ? (row as unknown[]) : (Object.values(row as object) as unknown[]),
  )
}
