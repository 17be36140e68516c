import ms, { type StringValue } from 'ms'
import { InvalidDurationError, describe } from './errors.ts'

/** Milliseconds as a number, or a string such as `'250ms'`, `'5s'`, `'1m'`, `'1h'`, `'7d'`. */
export type Duration = number | string

/**
 * A duration in ms.
 *
 * @param what what the duration is for; an error begins with it
 * @throws InvalidDurationError (a RangeError) when it is NaN, negative, infinite or unparsable
 */
export function toMs(duration: Duration, what: string): number {
  const parsed = typeof duration === 'string' ? parse(duration) : duration
  if (typeof parsed !== 'number' || !Number.isFinite(parsed) || parsed < 0) {
    throw new InvalidDurationError(
      `${what}: expected a duration of 0 or more, in ms or as '5s', '1m' or '1h'; got ${describe(duration)}`,
    )
  }
  return parsed
}

/** As `toMs`, for times between two runs: zero would never let anything else run. */
export function toIntervalMs(duration: Duration, what: string): number {
  const interval = toMs(duration, what)
  if (interval > 0) return interval
  throw new InvalidDurationError(
    `${what}: expected more than 0 ms between two runs; got ${describe(duration)}`,
  )
}

function parse(text: string): number | undefined {
  // `ms` throws for the empty string and for more than 100 characters.
  if (text === '' || text.length > 100) return undefined
  return ms(text as StringValue)
}
