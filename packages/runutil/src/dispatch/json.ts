import { describe } from '../core/errors.ts'
import { NotJsonError, refuseBytes } from '../core/json.ts'
import { messageOf } from '../core/text.ts'
import { InvalidActionError } from './errors.ts'

/** A copy, as JSON has it: so it is in every ledger. @throws InvalidActionError */
export function asJson<T>(value: T, what: string): T {
  if (value === undefined) return value
  try {
    refuseBytes(value, what)
    return JSON.parse(JSON.stringify(value)) as T
  } catch (error) {
    if (error instanceof NotJsonError) throw new InvalidActionError(error.message)
    throw new InvalidActionError(`${what}: expected JSON; got ${describe(value)}: ${messageOf(error)}`)
  }
}
