import { LARGEST_JSON, toJson } from '../core/json.ts'

/** A copy, as JSON has it: so it is in every ledger. @throws InvalidArgumentError for what isn't JSON */
export function asJson<T>(value: T, what: string): T {
  return value === undefined ? value : (JSON.parse(toJson(value, what, LARGEST_JSON)) as T)
}
