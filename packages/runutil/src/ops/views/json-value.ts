/**
 * A value as it is in a State: what JSON makes of it, and without what has no value. Undefined, null, NaN and infinite numbers are
 * left out of objects, since a merge patch takes null for a removal; in arrays they are null.
 */
export function jsonValue(value: unknown): unknown {
  if (typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined
  if (typeof value !== 'object' || value === null) return undefined
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? undefined : value.toISOString()
  if (Array.isArray(value)) return value.map((item) => jsonValue(item) ?? null)
  const object: Record<string, unknown> = {}
  // Without a list of entries, since a state has tens of thousands.
  for (const key in value) {
    if (!Object.hasOwn(value, key)) continue
    const plain = jsonValue((value as Record<string, unknown>)[key])
    if (plain !== undefined) setProperty(object, key, plain)
  }
  return object
}

/** Also a property called '__proto__'. */
export function setProperty(object: Record<string, unknown>, key: string, value: unknown): void {
  if (key !== '__proto__') object[key] = value
  else Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true })
}
