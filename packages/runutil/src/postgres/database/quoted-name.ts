import { unexpected } from '../../core/errors.ts'

/** PostgreSQL truncates longer names without an error, so two could become the same. */
export const LONGEST_NAME_BYTES = 63

/**
 * A name quoted for SQL, with any characters.
 *
 * @param what the prefix of an error
 * @throws InvalidArgumentError
 */
export function quotedName(name: string, what: string): string {
  const bytes = typeof name === 'string' ? Buffer.byteLength(name) : 0
  if (bytes < 1 || bytes > LONGEST_NAME_BYTES || name.includes('\0')) {
    throw unexpected(what, `a name of 1 to ${LONGEST_NAME_BYTES} bytes without NUL`, name)
  }
  return `"${name.replaceAll('"', '""')}"`
}
