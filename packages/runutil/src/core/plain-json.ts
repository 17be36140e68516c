/** Values nested deeper than this are left to the full check. */
const DEEPEST = 16

/**
 * The JSON text of a value that needs no full check: strings, finite numbers, booleans, null, and arrays and plain objects of
 * these, which JSON.stringify writes unchanged. Undefined for any other value, valid or not, and for a text of more than
 * `most` characters.
 */
export function plainJson(value: unknown, most: number): string | undefined {
  try {
    // NaN for a value that isn't plain: the comparison is false.
    if (!(leastLength(value, most, DEEPEST) <= most)) return undefined
    const text = JSON.stringify(value)
    return text.length <= most ? text : undefined
  } catch {
    // A getter or a Proxy has thrown.
    return undefined
  }
}

/** A lower bound for the length of its JSON text; NaN if it isn't plain. Stops counting beyond `most`. */
function leastLength(value: unknown, most: number, depth: number): number {
  if (typeof value === 'string') return value.length + 2
  if (typeof value === 'number') return Number.isFinite(value) ? 1 : NaN
  if (typeof value === 'boolean' || value === null) return 4
  if (typeof value !== 'object' || depth === 0) return NaN
  return Array.isArray(value) ? ofItems(value, most, depth) : ofProperties(value, most, depth)
}

function ofItems(items: readonly unknown[], most: number, depth: number): number {
  if ('toJSON' in items) return NaN
  let length = 2
  for (let at = 0; at < items.length && length <= most; at++) {
    length += leastLength(items[at], most, depth - 1)
  }
  return length
}

function ofProperties(value: object, most: number, depth: number): number {
  if (Object.getPrototypeOf(value) !== Object.prototype || 'toJSON' in value) return NaN
  let length = 2
  for (const name in value) {
    const property: unknown = value[name as keyof typeof value]
    if (property === undefined) continue
    // Without a call for each string, as most properties are.
    const ofValue =
      typeof property === 'string' ? property.length + 2 : leastLength(property, most, depth - 1)
    length += name.length + 3 + ofValue
    if (!(length <= most)) return length
  }
  return length
}
