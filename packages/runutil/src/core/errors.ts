import { brandError } from './brand.ts'
import { describe, shortened } from './describe.ts'

/** Keeps the text of runutil's errors, with the stack, below 16 KiB. */
const LONGEST_MESSAGE = 4_000

/** An invalid argument: the message says what was expected, what was passed and what to do. */
export class InvalidArgumentError extends TypeError {
  readonly code = 'ERR_INVALID_ARGUMENT'
  static {
    brandError(this, 'InvalidArgumentError')
  }
  constructor(message = '', options?: ErrorOptions) {
    super(shortened(message, LONGEST_MESSAGE), options)
  }
}

/** A duration that is NaN, negative, infinite or unparsable, or an interval of zero. */
export class InvalidDurationError extends RangeError {
  readonly code = 'ERR_INVALID_DURATION'
  static {
    brandError(this, 'InvalidDurationError')
  }
  constructor(message = '', options?: ErrorOptions) {
    super(shortened(message, LONGEST_MESSAGE), options)
  }
}

/**
 * The error for an argument of the wrong kind.
 *
 * @param what the call and argument; the message begins with it
 * @param hint what to do about it, after a semicolon
 */
export function unexpected(what: string, expected: string, got: unknown, hint = ''): InvalidArgumentError {
  return new InvalidArgumentError(`${what}: expected ${expected}; got ${describe(got)}${hint}`)
}
