import { unexpected } from '../core/errors.ts'
import type { Data } from './model.ts'

/** @throws InvalidArgumentError */
export function checkName(name: unknown, what: string): asserts name is string {
  if (typeof name !== 'string') throw unexpected(`${what}: name`, 'a string', name)
  if (name.includes('\0')) throw unexpected(`${what}: name`, 'a string without NUL', name)
}

/** @throws InvalidArgumentError */
export function checkData(data: unknown, what: string): asserts data is Data {
  if (typeof data !== 'object' || data === null || Array.isArray(data)) {
    throw unexpected(`${what}: data`, 'an object', data)
  }
  let json: string | undefined
  try {
    json = JSON.stringify(data)
  } catch (error) {
    throw unexpected(`${what}: data`, `JSON: ${(error as Error).message}`, data)
  }
  if (json.includes('\\u0000')) throw unexpected(`${what}: data`, 'JSON without NUL characters', data)
}

/** @throws InvalidArgumentError */
export function checkNumber(value: unknown, what: string): asserts value is number {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw unexpected(what, 'a number', value)
}

/** @throws InvalidArgumentError */
export function checkCount(value: unknown, what: string): asserts value is number {
  if (!Number.isSafeInteger(value) || (value as number) < 1) {
    throw unexpected(what, 'a whole number of 1 or more', value)
  }
}
