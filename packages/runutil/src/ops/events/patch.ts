import { setProperty } from '../views/json-value.ts'

/** An object of JSON. */
export type JsonObject = Readonly<Record<string, unknown>>

/**
 * The JSON merge patch (RFC 7396) that makes `after` of `before`; undefined if they are equal. Neither may have a property that is
 * null, which a patch cannot say. Arrays are replaced as a whole.
 */
export function diff(before: JsonObject, after: JsonObject): JsonObject | undefined {
  // Made when something differs, as in few of the objects of a state.
  let patch: Record<string, unknown> | undefined
  for (const key in before) if (!Object.hasOwn(after, key)) setProperty((patch ??= {}), key, null)
  for (const key in after) {
    const now = after[key]
    const was = Object.hasOwn(before, key) ? before[key] : undefined
    if (was === now) continue
    if (isObject(was) && isObject(now)) {
      const inner = diff(was, now)
      if (inner !== undefined) setProperty((patch ??= {}), key, inner)
    } else if (!isEqual(was, now)) setProperty((patch ??= {}), key, now)
  }
  return patch
}

/** What a merge patch makes of a value, as a new value. */
export function apply(before: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch
  const after: Record<string, unknown> = {}
  if (isObject(before)) for (const key in before) setProperty(after, key, before[key])
  for (const key in patch) {
    if (patch[key] === null) delete after[key]
    else setProperty(after, key, apply(Object.hasOwn(after, key) ? after[key] : undefined, patch[key]))
  }
  return after
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Whether two values of JSON are the same, the order of their properties aside. */
function isEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, at) => isEqual(item, b[at]))
  }
  if (!isObject(a) || !isObject(b)) return false
  const keys = Object.keys(a)
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && isEqual(a[key], b[key]))
  )
}
