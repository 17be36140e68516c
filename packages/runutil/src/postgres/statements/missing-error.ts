import type { Database } from '../database/database.ts'
import { SchemaMissingError } from '../database/errors.ts'
import { type Ask, appliedTo, tooNew } from '../schema/applied.ts'
import { migrations } from '../schema/migrations.ts'

/** Why something isn't there that a statement named: a newer runutil took it away, or it was never made. */
export async function missingError(database: Database, schema: string, cause: unknown): Promise<Error> {
  const ask: Ask = (text, params) => database.query({ text }, params, { limitMs: 30_000 })
  const known = Math.max(...migrations.map(({ number }) => number))
  try {
    const error = tooNew(schema, await appliedTo(ask, schema), known)
    if (error !== undefined) return error
  } catch {
    // What it couldn't be asked for says no more than what had failed before.
  }
  return new SchemaMissingError(schema, cause)
}
