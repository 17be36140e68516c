import { unexpected } from '../core/errors.ts'
import { refuseBytes } from '../core/json.ts'
import { messageOf } from '../core/text.ts'
import type { Data } from './data.ts'

/** A name stands in an index, whose entries have an end. */
const MOST_NAME_BYTES = 2_000
const UNSTORABLE_TEXT = /\0|\p{Surrogate}/u
/** The same as JSON writes it: after no backslash that escapes the backslash. */
const UNSTORABLE = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f])/

/** @throws InvalidArgumentError */
export function checkName(name: unknown, what: string): asserts name is string {
  if (typeof name !== 'string') throw unexpected(`${what}: name`, 'a string', name)
  if (UNSTORABLE_TEXT.test(name)) {
    throw unexpected(`${what}: name`, 'a string without NUL or half of a surrogate pair', name)
  }
  if (Buffer.byteLength(name) > MOST_NAME_BYTES) {
    throw unexpected(`${what}: name`, `at most ${MOST_NAME_BYTES} bytes in UTF-8`, `${name.slice(0, 20)}…`)
  }
}

export function isStorableName(name: unknown): name is string {
  if (typeof name !== 'string' || UNSTORABLE_TEXT.test(name)) return false
  return Buffer.byteLength(name) <= MOST_NAME_BYTES
}

/** @throws InvalidArgumentError */
export function checkData(data: unknown, what: string): asserts data is Data {
  dataJson(data, what)
}

/** Data as JSON. @throws InvalidArgumentError */
export function dataJson(data: unknown, what: string): string {
  if (typeof data !== 'object' || data === null || Array.isArray(data)) {
    throw unexpected(`${what}: data`, 'an object', data)
  }
  let json: string
  try {
    refuseBytes(data, 'data')
    json = JSON.stringify(data)
  } catch (error) {
    throw unexpected(`${what}: data`, `JSON: ${messageOf(error)}`, data)
  }
  if (UNSTORABLE.test(json)) {
    throw unexpected(`${what}: data`, 'JSON without NUL or half of a surrogate pair', data)
  }
  return json
}

/** @throws InvalidArgumentError */
export function checkNumber(value: unknown, what: string): asserts value is number {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw unexpected(what, 'a number', value)
}

/** A limit, of which 0 is none. @throws InvalidArgumentError */
export function checkLimit(value: unknown, what: string): asserts value is number {
  if (!isLimit(value)) throw unexpected(what, 'a whole number, or 0 for no limit', value)
}

export function isLimit(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

/** @throws InvalidArgumentError */
export function checkCount(value: unknown, what: string): asserts value is number {
  if (!Number.isSafeInteger(value) || (value as number) < 1) {
    throw unexpected(what, 'a whole number of 1 or more', value)
  }
}
