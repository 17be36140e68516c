import { describe } from './describe.ts'
import { InvalidArgumentError } from './errors.ts'
import { plainJson } from './plain-json.ts'
import { isInstance, reasonOf } from './thrown.ts'

/** How many characters of JSON a payload or a result may have, unless a store was told otherwise: 4 MiB. */
export const MOST_JSON = 4 * 2 ** 20

/** More than this is more than one statement takes: 128 MiB. */
export const LARGEST_JSON = 128 * 2 ** 20

/** An InvalidArgumentError by name and code: a value that isn't JSON, or too much of it. Says where and what. */
export class NotJsonError extends InvalidArgumentError {}

/**
 * The JSON text of a value: what every module stores of what it is given. Properties that are undefined are left out and `toJSON` is called, as JSON.stringify does;
 * what JSON.stringify would change without a word is an error: NaN, functions, undefined in an array, bytes, Maps, Errors,
 * Promises. So are more characters than `most`, which is noticed before they are written down.
 *
 * @param name what the value is; the message begins with it
 * @throws NotJsonError
 */
export function toJson(value: unknown, name: string, most = MOST_JSON): string {
  let text: string | undefined
  try {
    const plain = plainJson(value, most)
    if (plain !== undefined) return plain
    const look = new Look(name, most)
    look.at(value, name, 0)
    text = JSON.stringify(value, look.isSure ? undefined : replacer(name, most))
    // It can't run in circles: then it would have thrown.
    if (look.isDeep) new Look(name, most, Infinity).at(value, name, 0)
  } catch (error) {
    if (isInstance(error, NotJsonError)) throw error
    // What a toJSON throws, or what is nested too deep.
    throw new NotJsonError(`${name}: expected a JSON value; ${reasonOf(error)}`)
  }
  if (text === undefined) throw notJson(value, name)
  if (text.length > most) throw tooLarge(name, most, `${text.length}`)
  return text
}

/** JSON.stringify makes `{}` of them. */
const LOSSY = [Map, Set, WeakMap, WeakSet, Promise, Error, RegExp] as const

/** So far down it looks before JSON.stringify has found that there is no circle. */
const DEEPEST = 200

/** Looks through a value, and counts: of what it has seen, JSON has at least so many characters. */
class Look {
  readonly #name: string
  readonly #most: number
  readonly #deepest: number
  #count = 0
  #hasToJson = false
  /** Something lies deeper than it looked. */
  isDeep = false

  constructor(name: string, most: number, deepest = DEEPEST) {
    this.#name = name
    this.#most = most
    this.#deepest = deepest
  }

  /** It has seen all that JSON.stringify will. */
  get isSure(): boolean {
    return !this.isDeep && !this.#hasToJson
  }

  at(value: unknown, path: string, depth: number): void {
    if (typeof value === 'string') return this.#add(value.length + 2)
    if (value === null || typeof value === 'boolean') return this.#add(4)
    if (typeof value === 'number' && Number.isFinite(value)) return this.#add(1)
    // JSON.stringify says what is wrong with it.
    if (typeof value === 'bigint') return
    if (typeof value !== 'object') throw notJson(value, path)
    this.#add(2)
    if (Array.isArray(value)) this.#lookAtItems(value, path, depth + 1)
    else if (this.#isPlain(value, path)) this.#lookAtProperties(value, path, depth + 1)
  }

  /** Whether it is written property by property. */
  #isPlain(value: object, path: string): value is Record<string, unknown> {
    const prototype: unknown = Object.getPrototypeOf(value)
    if (prototype !== Object.prototype) {
      if (isBytes(value)) throw notJson(value, path)
      if (value instanceof Date) return this.#lookAtDate(value, path)
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

  #lookAtDate(value: Date, path: string): false {
    // Of an invalid one, JSON.stringify makes null.
    if (Number.isNaN(value.getTime())) throw notJson(value, path)
    return false
  }

  #lookAtItems(items: unknown[], path: string, depth: number): void {
    if (!this.#goesDown(depth)) return
    for (let at = 0; at < items.length; at++) this.at(items[at], `${path}[${at}]`, depth)
  }

  #lookAtProperties(value: Record<string, unknown>, path: string, depth: number): void {
    if (!this.#goesDown(depth)) return
    for (const name in value) {
      const property = value[name]
      if (property === undefined) continue
      this.#add(name.length + 3)
      this.at(property, `${path}.${name}`, depth)
    }
  }

  #goesDown(depth: number): boolean {
    if (depth > this.#deepest) this.isDeep = true
    return depth <= this.#deepest
  }

  #add(count: number): void {
    this.#count += count
    if (this.#count > this.#most) throw tooLarge(this.#name, this.#most, 'more')
  }
}

/** For what a toJSON gives, and what lies deep: nobody has looked at it. */
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
