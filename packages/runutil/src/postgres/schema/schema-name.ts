import { unexpected } from '../../core/errors.ts'
import { LONGEST_NAME_BYTES, quotedName } from '../database/quoted-name.ts'

/** The default schema of all tables. */
export const DEFAULT_SCHEMA = 'runutil'

/**
 * A schema's name, quoted for SQL.
 *
 * @throws InvalidArgumentError for a name that PostgreSQL would reject or truncate
 */
export function quotedSchema(name: string): string {
  const quoted = quotedName(name, 'schema')
  // Function bodies are delimited by $$.
  if (name.includes('$$')) throw unexpected('schema', 'a name without $$', name)
  // PostgreSQL reserves these names.
  if (name.startsWith('pg_')) throw unexpected('schema', `a name that doesn't begin with pg_`, name)
  return quoted
}

/**
 * The channel for notifications of changes in a schema, cut to PostgreSQL's 63 bytes. Two schemas whose long names begin
 * alike share one, which only causes needless wake-ups.
 *
 * @param store the prefix of the name
 */
export function channelName(store: string, schema: string): string {
  let name = `${store}.${schema}`
  while (Buffer.byteLength(name) > LONGEST_NAME_BYTES) name = [...name].slice(0, -1).join('')
  return name
}
