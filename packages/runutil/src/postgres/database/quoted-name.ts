import { unexpected } from '../../core/errors.ts'

/** PostgreSQL cuts longer names off without an error, and then two may be one. */
export const LONGEST_NAME_BYTES = 63

/**
 * A name as SQL takes it, whatever letters are in it.
 *
 * @param what what is named; an error begins with it
 * @throws InvalidArgumentError
 */
export function quotedName(name: string, what: string): string {
  const bytes = typeof name === 'string' ? Buffer.byteLength(name) : 0
  if (bytes < 1 || bytes > LONGEST_NAME_BYTES || name.includes('\0')) {
    throw unexpected(what, `a name of 1 to ${LONGEST_NAME_BYTES} bytes without NUL`, name)
  }
  return `"${name.replaceAll('"', '""')}"`
}
