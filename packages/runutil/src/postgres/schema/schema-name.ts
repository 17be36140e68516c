import { unexpected } from '../../core/errors.ts'
import { LONGEST_NAME_BYTES, quotedName } from '../database/quoted-name.ts'

/** Where everything of runutil lies unless another schema is given. */
export const DEFAULT_SCHEMA = 'runutil'

/**
 * A schema's name as SQL takes it.
 *
 * @throws InvalidArgumentError for one that PostgreSQL wouldn't take as it is
 */
export function quotedSchema(name: string): string {
  const quoted = quotedName(name, 'schema')
  // The functions in it are written between these.
  if (name.includes('$$')) throw unexpected('schema', 'a name without $$', name)
  // PostgreSQL keeps these for itself.
  if (name.startsWith('pg_')) throw unexpected('schema', `a name that doesn't begin with pg_`, name)
  return quoted
}

/** Of a prepared statement. Undefined, so not prepared, where the name would be too long to tell schemas apart. */
export function statementName(schema: string, name: string): string | undefined {
  const full = `runutil ${schema} ${name}`
  return Buffer.byteLength(full) <= LONGEST_NAME_BYTES ? full : undefined
}

/**
 * What is notified of changes in a schema: at most 63 bytes, as PostgreSQL takes it. Shared by two schemas whose long
 * names begin alike, it would wake one too often.
 *
 * @param store begins the name
 */
export function channelName(store: string, schema: string): string {
  let name = `${store}.${schema}`
  while (Buffer.byteLength(name) > LONGEST_NAME_BYTES) name = [...name].slice(0, -1).join('')
  return name
}
