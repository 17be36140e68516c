import type { Database } from '../database/database.ts'
import { SchemaMissingError } from '../database/errors.ts'
import { type Ask, appliedTo, tooNew } from '../schema/applied.ts'
import { migrations } from '../schema/migrations.ts'

/** Why something that a statement names is missing: a newer runutil removed it, or it was never made. */
export async function missingError(database: Database, schema: string, cause: unknown): Promise<Error> {
  const ask: Ask = (text, params) => database.query({ text }, params, { limitMs: 30_000 })
  const known = Math.max(...migrations.map(({ number }) => number))
  try {
    const error = tooNew(schema, await appliedTo(ask, schema), known)
    if (error !== undefined) return error
  } catch {
    // This failure says no more than the first one.
  }
  return new SchemaMissingError(schema, cause)
}
