import { unexpected } from '../core/errors.ts'
import { LARGEST_JSON, toJson } from '../core/json.ts'
import { checkText, nearest } from '../core/options.ts'
import { isStorable, isStorableJson } from '../core/text.ts'
import { wholeNumber } from '../core/whole-number.ts'
import type { Data } from './data.ts'
import type { WorkUnitStatus } from './model.ts'
import { LARGEST, SMALLEST, isUsableNumber } from './usable-number.ts'

/** Names are indexed, and index entries have a maximum size. */
const MOST_NAME_BYTES = 2_000
const UNIT_STATUSES: readonly WorkUnitStatus[] = ['available', 'pending', 'finished', 'failed', 'delayed']

/** @throws InvalidArgumentError */
export function checkName(name: unknown, what: string): asserts name is string {
  checkText(name, `${what}: name`)
  if (Buffer.byteLength(name) > MOST_NAME_BYTES) {
    throw unexpected(`${what}: name`, `at most ${MOST_NAME_BYTES} bytes in UTF-8`, `${name.slice(0, 20)}…`)
  }
}

/** A list of texts, if there is one. @throws InvalidArgumentError */
export function checkTexts(texts: unknown, what: string): void {
  if (texts === undefined) return
  if (!Array.isArray(texts)) throw unexpected(what, 'an array of strings', texts)
  for (const [at, text] of texts.entries()) checkText(text, `${what}[${at}]`)
}

/** A list of statuses of units, if there is one. @throws InvalidArgumentError */
export function checkStatuses(statuses: unknown, what: string): void {
  if (statuses === undefined) return
  if (!Array.isArray(statuses)) throw unexpected(what, 'an array of statuses', statuses)
  for (const [at, status] of (statuses as unknown[]).entries()) {
    if ((UNIT_STATUSES as readonly unknown[]).includes(status)) continue
    const near = typeof status === 'string' ? nearest(status, UNIT_STATUSES) : undefined
    const hint = near && `; did you mean '${near}'?`
    throw unexpected(`${what}[${at}]`, `one of ${UNIT_STATUSES.join(', ')}`, status, hint)
  }
}

/** The earliest time that every store can hold is in the year 4713 BC. */
const EARLIEST = Date.UTC(-4712, 0)

/** @throws InvalidArgumentError */
export function checkDate(value: unknown, what: string): asserts value is Date {
  if (!(value instanceof Date && Number.isFinite(value.getTime())))
    throw unexpected(what, 'a valid Date', value)
  if (value.getTime() < EARLIEST) throw unexpected(what, 'a Date from 4713 BC on', value)
}

export function isStorableName(name: unknown): name is string {
  return typeof name === 'string' && isStorable(name) && Buffer.byteLength(name) <= MOST_NAME_BYTES
}

/** @throws InvalidArgumentError */
export function checkData(data: unknown, what: string): asserts data is Data {
  dataJson(data, what)
}

/** Data as JSON that the store can query. @throws InvalidArgumentError */
export function dataJson(data: unknown, what: string): string {
  if (typeof data !== 'object' || data === null || Array.isArray(data)) {
    throw unexpected(`${what}: data`, 'an object', data)
  }
  const json = toJson(data, `${what}: data`, LARGEST_JSON)
  // A toJSON may have returned anything.
  if (!json.startsWith('{')) throw unexpected(`${what}: data`, 'an object', JSON.parse(json))
  if (!isStorableJson(json)) {
    throw unexpected(`${what}: data`, 'JSON without NUL characters and unpaired surrogates', data)
  }
  return json
}

/** @throws InvalidArgumentError */
export function checkNumber(value: unknown, what: string): asserts value is number {
  if (isUsableNumber(value)) return
  const isFinite = typeof value === 'number' && Number.isFinite(value)
  throw unexpected(what, isFinite ? `0, or a number of ${SMALLEST} to ${LARGEST} in size` : 'a number', value)
}

/** A limit; 0 means none. @throws InvalidArgumentError */
export function checkLimit(value: unknown, what: string): asserts value is number {
  wholeNumber(value, what)
}

/** @throws InvalidArgumentError */
export function checkCount(value: unknown, what: string): asserts value is number {
  wholeNumber(value, what, { min: 1 })
}
