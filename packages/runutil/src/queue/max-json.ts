import { unexpected } from '../core/errors.ts'
import { MOST_JSON } from '../core/json.ts'

/** More than this is more than one statement takes. */
const LARGEST = 128 * 2 ** 20

/** The option `maxJson` of a store. @throws InvalidArgumentError */
export function checkMaxJson(value: number | undefined, what: string): number {
  if (value === undefined) return MOST_JSON
  if (Number.isInteger(value) && value >= 1 && value <= LARGEST) return value
  throw unexpected(`${what}: maxJson`, `a whole number of characters, from 1 to ${LARGEST}`, value)
}
