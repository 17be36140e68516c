import type { Database } from './database.ts'
import { DatabaseSettingError } from './errors.ts'

/**
 * Whether a value that the server couldn't read is the fault of a setting: with `array_nulls` off it takes a null in an
 * array for a text. Asks the server, on another connection than a failed transaction's.
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
