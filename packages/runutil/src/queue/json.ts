import { describe } from '../core/errors.ts'
import { ErrInvalidJob } from './errors.ts'

/**
 * The JSON text of a value. Properties that are undefined are left out and `toJSON` is called, as JSON.stringify does;
 * what JSON.stringify would change without a word is an error: NaN, functions, undefined in an array, Maps, Errors, Promises.
 *
 * @param name what the value is; the message begins with it
 * @throws ErrInvalidJob says where and what
 */
export function toJson(value: unknown, name: string): string {
  try {
    const text = JSON.stringify(value) as string | undefined
    // It can't run in circles: then it would have thrown.
    if (typeof value !== 'string') check(value, name)
    if (text !== undefined) return text
  } catch (error) {
    if (error instanceof ErrInvalidJob) throw error
    // What a toJSON throws, or what is nested too deep.
    const reason = error instanceof Error ? error.message : describe(error)
    throw new ErrInvalidJob(`${name}: expected a JSON value; ${reason}`)
  }
  throw notJson(value, name)
}

/** JSON.stringify makes `{}` of them, or an object of numbers. */
const LOSSY = [
  Map,
  Set,
  WeakMap,
  WeakSet,
  Promise,
  Error,
  RegExp,
  ArrayBuffer,
  Object.getPrototypeOf(Uint8Array) as typeof Uint8Array,
]

function check(value: unknown, path: string): void {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return
  if (typeof value === 'number' && Number.isFinite(value)) return
  if (typeof value !== 'object') throw notJson(value, path)
  // Of an invalid Date, JSON.stringify makes null.
  if (value instanceof Date && Number.isNaN(value.getTime())) throw notJson(value, path)
  if (typeof (value as { toJSON?: unknown }).toJSON === 'function') return
  if (Array.isArray(value)) return checkItems(value, path)
  checkProperties(value as Record<string, unknown>, path)
}

function checkItems(items: unknown[], path: string): void {
  for (let at = 0; at < items.length; at++) check(items[at], `${path}[${at}]`)
}

function checkProperties(value: Record<string, unknown>, path: string): void {
  if (LOSSY.some((type) => value instanceof type)) throw notJson(value, path)
  for (const name in value) {
    const property = value[name]
    if (property !== undefined) check(property, `${path}.${name}`)
  }
}

function notJson(value: unknown, path: string): ErrInvalidJob {
  return new ErrInvalidJob(`${path}: expected a JSON value; got ${describe(value)}`)
}
