import { describe } from '../core/errors.ts'
import { InvalidActionError } from './errors.ts'

/** A copy, as JSON has it: so it is in every ledger. @throws InvalidActionError */
export function asJson<T>(value: T, what: string): T {
  if (value === undefined) return value
  try {
    return JSON.parse(JSON.stringify(value)) as T
  } catch (error) {
    throw new InvalidActionError(
      `${what}: expected JSON; got ${describe(value)}: ${(error as Error).message}`,
    )
  }
}
