import { isInstance } from './thrown.ts'

/** More than that is no chain of causes. Of getters far fewer: one that makes a new cause each time has no end. */
const MOST_CAUSES = 200_000
const MOST_GETTERS = 100

/**
 * Whether `error`, anything in its chain of causes or any of its collected errors is a `type`. Never throws: what can't
 * be read of an error isn't there.
 *
 * @example
 * errorIs(groupError, ErrWorkerExitedPrematurely)
 */
export function errorIs(error: unknown, type: abstract new (...args: never[]) => unknown): boolean {
  return errorHas(error, (one) => isInstance(one, type))
}

/** As `errorIs`, of what `matches` says. */
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

/** @returns false when it had to ask a getter, or couldn't read */
function addCauses(error: object, to: unknown[]): boolean {
  const { cause, errors, isPlain } = causesOf(error)
  to.push(cause)
  for (const one of errors) to.push(one)
  return isPlain
}

/** What an error came of, and what it collects. Never throws. `isPlain` is false where a getter was asked, or it can't be read. */
export function causesOf(error: object): { cause?: unknown; errors: readonly unknown[]; isPlain: boolean } {
  try {
    const { cause, errors } = error as { cause?: unknown; errors?: unknown }
    const isPlain = cause === undefined || 'value' in (Object.getOwnPropertyDescriptor(error, 'cause') ?? {})
    return { cause, errors: Array.isArray(errors) ? errors.slice(0, MOST_CAUSES) : [], isPlain }
  } catch {
    return { errors: [], isPlain: false }
  }
}
