import { unexpected } from '../core/errors.ts'
import { DuplicateNameError } from './errors.ts'

/** @throws InvalidArgumentError unless it is iterable */
export function listOf<T>(items: Iterable<T>, what: string, name: string): T[] {
  const iterable = items as Iterable<T> | null | undefined
  if (typeof iterable === 'object' && typeof iterable?.[Symbol.iterator] === 'function') return [...iterable]
  throw unexpected(what, `an array or other iterable as ${name}`, items, hintFor(items, name))
}

/** Detects the promise of an async function that was meant to return the list. */
function hintFor(items: unknown, name: string): string {
  if (typeof (items as { then?: unknown } | null | undefined)?.then !== 'function') return ''
  // An unhandled rejection would end the process.
  Promise.resolve(items).catch(() => {})
  const isMethod = name.endsWith('()')
  return isMethod
    ? `; ${name} must not be async: await in the worker itself, or before the class is constructed`
    : '; await it first'
}

/** @throws DuplicateNameError for a name that comes twice */
export function checkNames(names: Iterable<string>): void {
  const seen = new Set<string>()
  for (const name of names) {
    if (seen.has(name)) throw new DuplicateNameError(name)
    seen.add(name)
  }
}
