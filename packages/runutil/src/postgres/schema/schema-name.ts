import { unexpected } from '../../core/errors.ts'
import { quotedName } from '../database/quoted-name.ts'

/** Where everything of runutil lies unless another schema is given. */
export const DEFAULT_SCHEMA = 'runutil'

/**
 * A schema's name as SQL takes it.
 *
 * @throws InvalidArgumentError for one that PostgreSQL wouldn't take as it is
 */
export function quotedSchema(name: string): string {
  const quoted = quotedName(name, 'schema')
  // PostgreSQL keeps these for itself.
  if (name.startsWith('pg_')) throw unexpected('schema', `a name that doesn't begin with pg_`, name)
  return quoted
}

/** Of a prepared statement. Undefined, so not prepared, where the name would be too long to tell schemas apart. */
export function statementName(schema: string, name: string): string | undefined {
  const full = `runutil ${schema} ${name}`
  return Buffer.byteLength(full) <= 63 ? full : undefined
}
