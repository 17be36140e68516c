import { describe } from './describe.ts'
import { InvalidDurationError } from './errors.ts'

/** Milliseconds as a number, or a string such as `'250ms'`, `'5s'`, `'1m'`, `'1h'`, `'7d'`. */
export type Duration = number | string

/**
 * A duration in ms.
 *
 * @param what what the duration is for; the error message begins with it
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

/** As `toMs`, for intervals and limits, which must not be 0: an interval of 0 would starve everything else. */
export function toIntervalMs(duration: Duration, what: string): number {
  const interval = toMs(duration, what)
  if (interval > 0) return interval
  throw new InvalidDurationError(`${what}: expected more than 0 ms; got ${describe(duration)}`)
}

/** About 3,000 years: the longest duration that stores can keep. */
export const LONGEST_MS = 1e14

/**
 * As `toMs`, for durations that a store keeps.
 *
 * @param hint what to pass instead of a longer one, beginning with '; '
 * @throws InvalidDurationError, also for more than 3,000 years
 */
export function toStorableMs(duration: Duration, what: string, hint = ''): number {
  const ms = duration === Infinity ? Infinity : toMs(duration, what)
  if (ms <= LONGEST_MS) return ms
  throw new InvalidDurationError(`${what}: expected at most ${LONGEST_MS} ms, 3,000 years; got ${ms}${hint}`)
}

/** As `toIntervalMs` and `toStorableMs`: more than 0 ms, and at most 3,000 years. */
export function toStorableIntervalMs(duration: Duration, what: string): number {
  return toIntervalMs(toStorableMs(duration, what), what)
}

const TEXT =
  /^(-?\d*\.?\d+) *(?:m(?:illiseconds?|s(?:ecs?)?)|([smhdwy])(?:(?<=s)ec(?:ond)?s?|(?<=m)in(?:ute)?s?|(?<=h)(?:ou)?rs?|(?<=d)ays?|(?<=w)eeks?|(?<=y)(?:ea)?rs?)?)?$/i
const UNITS: Record<string, number> = { s: 1e3, m: 6e4, h: 36e5, d: 864e5, w: 6048e5, y: 315576e5 }

/** Parses the format of the package `ms`, which would make the root entry point a twelfth larger. */
function parse(text: string): number | undefined {
  const [, count, unit = ''] = TEXT.exec(text.length > 100 ? '' : text) ?? []
  return count === undefined ? undefined : Number(count) * (UNITS[unit.toLowerCase()] ?? 1)
}
