import { type Duration, toStorableMs } from '../core/duration.ts'
import { checkOptions } from '../core/options.ts'

/** How long ended jobs are kept; `'forever'`: until they are removed by hand. */
// eslint-disable-next-line @typescript-eslint/no-redundant-type-constituents -- documents the other value
export type RetentionTime = Duration | 'forever'

/** One time for all, or one for DONE and one for FAILED and PANIC. Default 7 days, for each. */
export type Retention =
  RetentionTime | { readonly done?: RetentionTime | undefined; readonly failed?: RetentionTime | undefined }

/** Retention as stores expect it: checked, in ms. Infinity: until they are removed by hand. */
export interface ResolvedRetention {
  readonly doneMs: number
  readonly failedMs: number
}

const DEFAULT = '7d'

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

/** The text for messages. */
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

function timeOf(time: RetentionTime, what: string): number {
  return time === 'forever' ? Infinity : toStorableMs(time, what, "; to keep jobs forever, pass 'forever'")
}
