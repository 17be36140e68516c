import { LARGEST_JSON, toJson } from '../core/json.ts'

/** A copy as JSON, as every ledger returns it. @throws InvalidArgumentError for a value that isn't JSON */
export function asJson<T>(value: T, what: string): T {
  return value === undefined ? value : (JSON.parse(toJson(value, what, LARGEST_JSON)) as T)
}
