import { unexpected } from './errors.ts'

export interface WholeNumberRange {
  /** Default 0. */
  readonly min?: number
  /** Default: the largest safe integer. */
  readonly max?: number
}

/** @throws InvalidArgumentError unless `value` is a whole number in that range */
export function wholeNumber(value: unknown, what: string, range: WholeNumberRange = {}): number {
  if (isWholeNumber(value, range)) return value
  throw unexpected(what, wholeNumberText(range), value)
}

export function isWholeNumber(
  value: unknown,
  { min = 0, max = Number.MAX_SAFE_INTEGER }: WholeNumberRange = {},
): value is number {
  return Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max
}

/** The expected value in error messages. */
export function wholeNumberText({ min = 0, max }: WholeNumberRange): string {
  return max === undefined ? `a whole number of ${min} or more` : `a whole number from ${min} to ${max}`
}
