import { describe } from '../../core/describe.ts'
import { InvalidArgumentError } from '../../core/errors.ts'

/** What a target string means. */
export type ParsedTarget =
  | { readonly kind: 'server'; readonly url: string }
  | { readonly kind: 'memory' }
  | { readonly kind: 'folder'; readonly folder: string; readonly durable: boolean }

export const EXPECTED = `'postgres://…', 'memory:', 'file:DIR', a pg.Pool or a PGlite`

/** @throws InvalidArgumentError, which shows only the scheme: the rest may contain a password */
export function parseTarget(target: string, what: string): ParsedTarget {
  if (/^postgres(ql)?:\/\//i.test(target)) return { kind: 'server', url: target }
  if (target === 'memory:') return { kind: 'memory' }
  // As with PGlite itself, a path follows `file://`; it is relative unless it begins with a slash.
  const [, folder, query] = /^file:(?:\/\/)?([^?]+)(?:\?(.*))?$/s.exec(target) ?? []
  if (folder !== undefined) return { kind: 'folder', folder, durable: isDurable(query, what) }
  throw new InvalidArgumentError(`${what}: expected ${EXPECTED}; got ${schemeOf(target)}`)
}

function isDurable(query: string | undefined, what: string): boolean {
  if (query === undefined || query === 'durable=on') return true
  if (query === 'durable=off') return false
  throw new InvalidArgumentError(
    `${what}: expected durable=on or durable=off after the ? of file:DIR; got ${describe(query)}; ` +
      'rename a folder that has a ? in its name',
  )
}

function schemeOf(target: string): string {
  if (target === '') return '""'
  const scheme = /^[a-z][a-z0-9+.-]*:/i.exec(target)?.[0]
  return scheme === undefined ? 'a string that begins with no scheme' : `a string that begins with ${scheme}`
}
