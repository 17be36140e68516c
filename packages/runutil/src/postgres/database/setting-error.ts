import type { Database } from './database.ts'
import { DatabaseSettingError } from './errors.ts'

/**
 * Whether the server couldn't parse a value because of a setting: with `array_nulls` off it reads a null in an array as
 * text. Asks the server on another connection than that of the failed transaction.
 */
export async function settingError(
  database: Database,
  cause: unknown,
): Promise<DatabaseSettingError | undefined> {
  const [row] = await database
    .query<[string]>({ text: 'show array_nulls' }, [], { limitMs: 30_000 })
    .catch(() => [])
  if (row?.[0] !== 'off') return undefined
  return new DatabaseSettingError('array_nulls', { value: 'off', wanted: 'on' }, cause)
}
