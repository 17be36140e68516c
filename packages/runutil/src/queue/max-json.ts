import { unexpected } from '../core/errors.ts'
import { LARGEST_JSON as LARGEST, MOST_JSON } from '../core/json.ts'

/** The option `maxJson` of a store. @throws InvalidArgumentError */
export function checkMaxJson(value: number | undefined, what: string): number {
  if (value === undefined) return MOST_JSON
  if (Number.isInteger(value) && value >= 1 && value <= LARGEST) return value
  throw unexpected(`${what}: maxJson`, `a whole number of characters, from 1 to ${LARGEST}`, value)
}
