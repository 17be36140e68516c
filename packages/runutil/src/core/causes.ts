import { isInstance } from './thrown.ts'

/** A limit for generated chains of causes. Far lower for getters: one that makes a new cause each time never ends. */
const MOST_CAUSES = 200_000
const MOST_GETTERS = 100

/**
 * Whether `error`, any of its causes or any of its collected errors is a `type`. Never throws: properties that cannot be read
 * count as missing.
 *
 * @example
 * errorIs(groupError, ErrWorkerExitedPrematurely)
 */
export function errorIs(error: unknown, type: abstract new (...args: never[]) => unknown): boolean {
  return errorHas(error, (one) => isInstance(one, type))
}

/** As `errorIs`, with a predicate. */
export function errorHas(error: unknown, matches: (one: unknown) => boolean): boolean {
  const seen = new Set<unknown>()
  const open = [error]
  for (let getters = 0; open.length > 0 && seen.size < MOST_CAUSES && getters < MOST_GETTERS;) {
    const next = open.pop()
    if (matches(next)) return true
    if (typeof next !== 'object' || next === null || seen.has(next)) continue
    seen.add(next)
    if (!addCauses(next, open)) getters++
  }
  return false
}

/** @returns false if it called a getter, or reading failed */
function addCauses(error: object, to: unknown[]): boolean {
  const { cause, errors, isPlain } = causesOf(error)
  to.push(cause)
  for (const one of errors) to.push(one)
  return isPlain
}

/** The cause of an error and the errors that it collects. Never throws. `isPlain` is false if a getter was called, or reading failed. */
export function causesOf(error: object): { cause?: unknown; errors: readonly unknown[]; isPlain: boolean } {
  try {
    const { cause, errors } = error as { cause?: unknown; errors?: unknown }
    const isPlain = cause === undefined || 'value' in (Object.getOwnPropertyDescriptor(error, 'cause') ?? {})
    return { cause, errors: Array.isArray(errors) ? errors.slice(0, MOST_CAUSES) : [], isPlain }
  } catch {
    return { errors: [], isPlain: false }
  }
}
