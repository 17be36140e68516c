import { describe } from './describe.ts'
import { InvalidArgumentError } from './errors.ts'
import { plainJson } from './plain-json.ts'
import { isInstance, reasonOf } from './thrown.ts'

/** The default limit of a payload or result, in characters of JSON: 4 Mi. */
export const MOST_JSON = 4 * 2 ** 20

/** The highest limit, in characters of JSON: one statement takes no more than 128 Mi. */
export const LARGEST_JSON = 128 * 2 ** 20

/** An InvalidArgumentError by name and code: a value that is not JSON, or too large. The message says where and why. */
export class NotJsonError extends InvalidArgumentError {}

/**
 * The JSON text of a value, as every module stores it. As with JSON.stringify, undefined properties are left out and `toJSON` is
 * called. Values that JSON.stringify would change silently are errors: NaN, functions, undefined in an array, bytes, Maps, Errors,
 * Promises. So is a text longer than `most` characters, which is detected before it is written.
 *
 * @param name what the value is; the error message begins with it
 * @throws NotJsonError
 */
export function toJson(value: unknown, name: string, most = MOST_JSON): string {
  let text: string | undefined
  try {
    const plain = plainJson(value, most)
    if (plain !== undefined) return plain
    const check = new JsonCheck(name, most)
    check.at(value, name, 0)
    text = JSON.stringify(value, check.isSure ? undefined : replacer(name, most))
    // Terminates: for a circular value, JSON.stringify would have thrown.
    if (check.isDeep) new JsonCheck(name, most, Infinity).at(value, name, 0)
  } catch (error) {
    if (isInstance(error, NotJsonError)) throw error
    // A toJSON threw, or the value is nested too deeply.
    throw new NotJsonError(`${name}: expected a JSON value; ${reasonOf(error)}`)
  }
  if (text === undefined) throw notJson(value, name)
  if (text.length > most) throw tooLarge(name, most, `${text.length}`)
  return text
}

/** JSON.stringify writes them as `{}`. */
const LOSSY = [Map, Set, WeakMap, WeakSet, Promise, Error, RegExp] as const

/** The depth of the check before JSON.stringify has ruled out a circular value. */
const DEEPEST = 200

/** Walks a value and computes a lower bound of its JSON's length. */
class JsonCheck {
  readonly #name: string
  readonly #most: number
  readonly #deepest: number
  #count = 0
  #hasToJson = false
  /** Whether the value is deeper than the check went. */
  isDeep = false

  constructor(name: string, most: number, deepest = DEEPEST) {
    this.#name = name
    this.#most = most
    this.#deepest = deepest
  }

  /** Whether it has seen everything that JSON.stringify will write. */
  get isSure(): boolean {
    return !this.isDeep && !this.#hasToJson
  }

  at(value: unknown, path: string, depth: number): void {
    if (typeof value === 'string') return this.#add(value.length + 2)
    if (value === null || typeof value === 'boolean') return this.#add(4)
    if (typeof value === 'number' && Number.isFinite(value)) return this.#add(1)
    // JSON.stringify throws for it.
    if (typeof value === 'bigint') return
    if (typeof value !== 'object') throw notJson(value, path)
    this.#add(2)
    if (Array.isArray(value)) this.#checkItems(value, path, depth + 1)
    else if (this.#isPlain(value, path)) this.#checkProperties(value, path, depth + 1)
  }

  /** Whether JSON.stringify writes it property by property. */
  #isPlain(value: object, path: string): value is Record<string, unknown> {
    const prototype: unknown = Object.getPrototypeOf(value)
    if (prototype !== Object.prototype) {
      if (isBytes(value)) throw notJson(value, path)
      if (value instanceof Date) return this.#checkDate(value, path)
    }
    if (typeof (value as { toJSON?: unknown }).toJSON === 'function') {
      this.#hasToJson = true
      return false
    }
    if (prototype !== Object.prototype && LOSSY.some((type) => value instanceof type)) {
      throw notJson(value, path)
    }
    return true
  }

  #checkDate(value: Date, path: string): false {
    // JSON.stringify writes an invalid date as null.
    if (Number.isNaN(value.getTime())) throw notJson(value, path)
    return false
  }

  #checkItems(items: unknown[], path: string, depth: number): void {
    if (!this.#mayDescend(depth)) return
    for (let at = 0; at < items.length; at++) this.at(items[at], `${path}[${at}]`, depth)
  }

  #checkProperties(value: Record<string, unknown>, path: string, depth: number): void {
    if (!this.#mayDescend(depth)) return
    for (const name in value) {
      const property = value[name]
      if (property === undefined) continue
      this.#add(name.length + 3)
      this.at(property, `${path}.${name}`, depth)
    }
  }

  #mayDescend(depth: number): boolean {
    if (depth > this.#deepest) this.isDeep = true
    return depth <= this.#deepest
  }

  #add(count: number): void {
    this.#count += count
    if (this.#count > this.#most) throw tooLarge(this.#name, this.#most, 'more')
  }
}

/** Checks what JsonCheck has not seen: what a toJSON returns, and deeply nested values. */
function replacer(name: string, most: number) {
  let count = 0
  return function (this: unknown, key: string, value: unknown): unknown {
    const given = (this as Record<string, unknown>)[key]
    for (const one of [given, value]) if (isBytes(one)) throw notJson(one, `${name}.${key}`)
    if (typeof value === 'string') count += value.length + 2
    if (count > most) throw tooLarge(name, most, 'more')
    return value
  }
}

function isBytes(value: unknown): boolean {
  return ArrayBuffer.isView(value) || value instanceof ArrayBuffer
}

function notJson(value: unknown, path: string): NotJsonError {
  const hint = isBytes(value) ? "; write bytes as text: Buffer.from(bytes).toString('base64')" : ''
  return new NotJsonError(`${path}: expected a JSON value; got ${describe(value)}${hint}`)
}

function tooLarge(name: string, most: number, got: string): NotJsonError {
  return new NotJsonError(
    `${name}: expected at most ${most} characters of JSON; got ${got}. ` +
      'Store it elsewhere, and its address here',
  )
}
