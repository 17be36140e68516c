import { type Duration, toMs } from '../core/duration.ts'
import { InvalidDurationError } from '../core/errors.ts'
import { checkOptions } from '../core/options.ts'

/** How long ended jobs are kept; `'forever'`: until somebody removes them. */
// eslint-disable-next-line @typescript-eslint/no-redundant-type-constituents -- says what else may be given
export type RetentionTime = Duration | 'forever'

/** One time for all, or one for DONE and one for FAILED and PANIC. What is left out is 7 days. */
export type Retention =
  RetentionTime | { readonly done?: RetentionTime | undefined; readonly failed?: RetentionTime | undefined }

/** As a store takes it: checked, in ms. Infinity: for ever. */
export interface ResolvedRetention {
  readonly doneMs: number
  readonly failedMs: number
}

const DEFAULT = '7d'
/** Some 3,000 years: so long ago and so far ahead, every store has a time. */
const LONGEST_MS = 1e14

/** @throws InvalidArgumentError, InvalidDurationError */
export function resolveRetention(retention: Retention, what: string): ResolvedRetention {
  if (!isByOutcome(retention)) {
    const ms = timeOf(retention, what)
    return { doneMs: ms, failedMs: ms }
  }
  const { done = DEFAULT, failed = DEFAULT } = checkOptions(what, retention, ['done', 'failed'])
  return { doneMs: timeOf(done, `${what}.done`), failedMs: timeOf(failed, `${what}.failed`) }
}

function isByOutcome(retention: Retention): retention is Exclude<Retention, RetentionTime> {
  return typeof retention === 'object' && (retention as unknown) !== null
}

export function sameRetention(a: ResolvedRetention, b: ResolvedRetention): boolean {
  return a.doneMs === b.doneMs && a.failedMs === b.failedMs
}

/** As a message says it. */
export function retentionText({ doneMs, failedMs }: ResolvedRetention): string {
  const text = (ms: number): string => (ms === Infinity ? 'forever' : `${ms} ms`)
  return doneMs === failedMs ? text(doneMs) : `done ${text(doneMs)}, failed ${text(failedMs)}`
}

export function longestRetention(all: readonly ResolvedRetention[]): ResolvedRetention {
  return {
    doneMs: Math.max(...all.map(({ doneMs }) => doneMs)),
    failedMs: Math.max(...all.map(({ failedMs }) => failedMs)),
  }
}

/**
 * A duration that a store can hold.
 *
 * @param mend what to give instead of a longer one
 * @throws InvalidDurationError
 */
export function toStorableMs(duration: Duration, what: string, mend = ''): number {
  const ms = duration === Infinity ? Infinity : toMs(duration, what)
  if (ms <= LONGEST_MS) return ms
  throw new InvalidDurationError(`${what}: expected at most ${LONGEST_MS} ms, 3,000 years; got ${ms}${mend}`)
}

function timeOf(time: RetentionTime, what: string): number {
  return time === 'forever'
    ? Infinity
    : toStorableMs(time, what, "; to keep jobs without an end, give 'forever'")
}
