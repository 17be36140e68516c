import { LARGEST_JSON, MOST_JSON } from '../core/json.ts'
import { wholeNumber } from '../core/whole-number.ts'

/** The option `maxJson` of a store, in characters. @throws InvalidArgumentError */
export function checkMaxJson(value: number | undefined, what: string): number {
  if (value === undefined) return MOST_JSON
  return wholeNumber(value, `${what}: maxJson`, { min: 1, max: LARGEST_JSON })
}
