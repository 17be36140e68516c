import { describe } from './describe.ts'
import { cutToBytes } from './text.ts'
import { isInstance, toError, messageOf, stackOf } from './thrown.ts'

/** Limits in bytes of JSON, within a log line's 16 KiB: for an error, and in it for one text and one message. */
const MOST_BYTES = 9_000
const LONGEST_TEXT = 4_000
const LONGEST_MESSAGE = 2_000
const DEEPEST = 6
const MOST_ITEMS = 16
const MOST_ERRORS = 8

/**
 * An error as it is logged: a copy of the same class with the same message, stack, causes and properties, in which long texts
 * are cut and bytes are counted, not listed. So no line is longer than 16 KiB, whatever an error carries, and the original,
 * which a logger may want to mark, can be frozen or a Proxy.
 */
export function loggable(thrown: unknown): Error {
  const copying = new Copying()
  if (isInstance(thrown, Error)) return copying.error(thrown, 0)
  const error = copying.error(new Error(toError(thrown).message), 0)
  // The message has only the kind of the thrown value.
  return typeof thrown === 'object' ? Object.assign(error, { thrown: copying.value(thrown, 1) }) : error
}

/** As much of a text as fits in a log line beside other facts. */
export function loggableText(text: string, most = LONGEST_MESSAGE): string {
  return new Copying(most).text(text, most)
}

class Copying {
  #bytesLeft: number
  readonly #seen = new Set<object>()

  constructor(mostBytes = MOST_BYTES) {
    this.#bytesLeft = mostBytes
  }

  error(error: Error, depth: number): Error {
    this.#seen.add(error)
    const copy = Object.create(prototypeOf(error)) as Error
    const own = (name: string, value: unknown): void =>
      void Object.defineProperty(copy, name, { value, configurable: true, writable: true })
    own('message', this.text(messageOf(error), LONGEST_MESSAGE))
    own('stack', this.text(stackOf(error) ?? messageOf(error), LONGEST_TEXT))
    for (const name of ownNames(error)) {
      if (name === 'message' || name === 'stack' || name === 'cause' || name === 'errors') continue
      if (!this.#hasRoom()) break
      const value = this.value(read(error, name), depth + 1)
      Object.defineProperty(copy, name, { value, configurable: true, writable: true, enumerable: true })
      this.text(name)
    }
    // Enumerable or not: pino reads both.
    const cause = read(error, 'cause')
    const errors = read(error, 'errors')
    if (cause !== undefined) own('cause', this.value(cause, depth + 1))
    if (isArray(errors)) own('errors', this.#first(errors, MOST_ERRORS, depth + 1))
    return copy
  }

  /** Counts bytes of JSON: with escapes, in UTF-8. */
  text(text: string, longest = LONGEST_TEXT): string {
    const most = Math.max(0, Math.min(longest, this.#bytesLeft))
    const cut = cutToBytes(text, most)
    const bytes = Buffer.byteLength(JSON.stringify(cut))
    const fits = bytes <= most + 2 ? cut : cutToBytes(cut, Math.floor((most * most) / bytes / 2))
    this.#bytesLeft -= Buffer.byteLength(JSON.stringify(fits)) + 1
    return fits.length < text.length ? `${fits}…` : fits
  }

  #hasRoom(): boolean {
    return this.#bytesLeft > 0
  }

  value(value: unknown, depth: number): unknown {
    if (typeof value === 'string') return this.text(value)
    if (value === null || typeof value === 'boolean' || typeof value === 'number' || value === undefined) {
      this.#bytesLeft -= 24
      return value
    }
    if (typeof value !== 'object' || !this.#hasRoom()) return this.text(describe(value))
    if (this.#seen.has(value) || depth > DEEPEST) return this.text(describe(value))
    this.#bytesLeft -= 8
    if (isInstance(value, Error)) return this.error(value, depth)
    return this.#object(value, depth)
  }

  #object(value: object, depth: number): unknown {
    try {
      if (ArrayBuffer.isView(value) || isInstance(value, ArrayBuffer)) {
        return this.text(`${describe(value)} of ${value.byteLength} bytes`)
      }
      if (Array.isArray(value)) return this.#array(value, depth)
      const { toJSON } = value as { toJSON?: unknown }
      if (typeof toJSON === 'function') return this.value((toJSON as () => unknown).call(value), depth + 1)
      if (isInstance(value, Map) || isInstance(value, Set))
        return this.text(`${describe(value)} of ${value.size}`)
      return this.#properties(value, depth)
    } catch {
      return this.text(describe(value))
    }
  }

  /** A long list of numbers, which is mostly bytes, is logged as its length. */
  #array(items: readonly unknown[], depth: number): unknown {
    const isNumeric = items.length > MOST_ITEMS && typeof items[0] === 'number'
    return isNumeric
      ? this.text(`an array of ${items.length} numbers`)
      : this.#first(items, MOST_ITEMS, depth)
  }

  #first(items: readonly unknown[], most: number, depth: number): unknown[] {
    const first: unknown[] = []
    for (let at = 0; at < Math.min(items.length, most) && this.#hasRoom(); at++) {
      first.push(this.value(read(items, at), depth + 1))
    }
    const left = items.length - first.length
    return left > 0 ? [...first, `… ${left} more`] : first
  }

  #properties(value: object, depth: number): object {
    this.#seen.add(value)
    const copy = Object.create(null) as Record<string, unknown>
    let count = 0
    for (const name in value) {
      if (!Object.hasOwn(value, name)) continue
      if (++count > MOST_ITEMS * 2 || !this.#hasRoom()) {
        copy['…'] = 'more'
        break
      }
      copy[this.text(name, 200)] = this.value(read(value, name), depth + 1)
    }
    return copy
  }
}

function prototypeOf(error: Error): object {
  try {
    return Object.getPrototypeOf(error) as object
  } catch {
    return Error.prototype
  }
}

/** The first enumerable property names. */
function ownNames(error: object): string[] {
  try {
    return Object.keys(error).slice(0, MOST_ITEMS * 2)
  } catch {
    return []
  }
}

function read(from: object, name: PropertyKey): unknown {
  try {
    return (from as Record<PropertyKey, unknown>)[name]
  } catch {
    return 'an unreadable property'
  }
}

function isArray(value: unknown): value is readonly unknown[] {
  try {
    return Array.isArray(value)
  } catch {
    return false
  }
}
