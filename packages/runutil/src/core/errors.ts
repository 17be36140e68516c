import { describe, shortened } from './describe.ts'

/** What a message of ours has room for: with its stack, no error has more than 16 KiB of text. */
const LONGEST_MESSAGE = 4_000

/** What was expected of an argument, what came and how to fix it. */
export class InvalidArgumentError extends TypeError {
  readonly code = 'ERR_INVALID_ARGUMENT'
  static {
    this.prototype.name = 'InvalidArgumentError'
  }
  constructor(message = '', options?: ErrorOptions) {
    super(shortened(message, LONGEST_MESSAGE), options)
  }
}

/** A duration that is NaN, negative, infinite or unparsable, or an interval of zero. */
export class InvalidDurationError extends RangeError {
  readonly code = 'ERR_INVALID_DURATION'
  static {
    this.prototype.name = 'InvalidDurationError'
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
