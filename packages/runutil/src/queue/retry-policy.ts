import { type Backoff, ExponentialBackoff, checkBackoff, waitMsOf } from '../core/backoff.ts'
import { toStorableMs } from '../core/duration.ts'
import { unexpected } from '../core/errors.ts'
import { has, isPlainFunction } from '../core/has.ts'
import { messageOf } from '../core/thrown.ts'
import type { ClaimedJob } from './job.ts'
import { count } from './limits.ts'

/** How often to try, and how long to wait in between. */
export interface RetryOptions {
  /**
   * How many attempts a job has before an error ends it. Attempts that a stop or a crash ended aren't counted; those that ended
   * with a RetryableError are, and may exceed it. Default 1: the first error is final.
   */
  readonly attempts?: number | undefined
  /** How long to wait before the next attempt: `duration(n)` after attempt n. Default 1 s to 1 h, with a jitter of 0.5. */
  readonly backoff?: Backoff | undefined
}

/** Whether the error of an attempt that isn't the last may be retried. */
export type RetryIf = (error: unknown, job: ClaimedJob) => boolean

/** The retry options of a kind, with defaults applied. */
export interface RetryPolicy {
  readonly attempts: number
  readonly backoff: Backoff
  /** Undefined: all errors but panics may be retried. */
  readonly retryIf: RetryIf | undefined
}

/** The defaults: the first error is final. */
export const NO_RETRIES: RetryPolicy = {
  attempts: 1,
  backoff: new ExponentialBackoff({ initial: 1_000, max: 3_600_000, jitterProportion: 0.5 }),
  retryIf: undefined,
}

/** @throws InvalidArgumentError */
export function resolveRetries(
  { attempts, backoff, retryIf }: RetryOptions & { readonly retryIf?: RetryIf | undefined },
  what: string,
  defaults: RetryPolicy = NO_RETRIES,
): RetryPolicy {
  if (backoff !== undefined) checkBackoff(backoff, `${what}: backoff`)
  if (retryIf !== undefined && !isPlainFunction(retryIf)) {
    throw unexpected(`${what}: retryIf`, 'a function (error, job) => boolean', retryIf)
  }
  return {
    attempts: count(attempts, `${what}: attempts`) ?? defaults.attempts,
    backoff: backoff ?? defaults.backoff,
    retryIf,
  }
}

/**
 * How long to wait after an attempt that isn't the last, as the kind's functions say.
 *
 * @param isPanic without `retryIf`, panics aren't retried
 * @returns undefined: the error is final
 * @throws when one of the functions throws, or retryIf is async, or the wait is no duration; the message says which
 */
export function waitBeforeRetry(
  error: unknown,
  isPanic: boolean,
  job: ClaimedJob,
  { backoff, retryIf }: RetryPolicy,
): number | undefined {
  if (retryIf === undefined ? isPanic : !allows(retryIf, error, job)) return undefined
  const what = `backoff.duration(${job.attempt})`
  return toStorableMs(waitMsOf(backoff, job.attempt, error), what)
}

function allows(retryIf: RetryIf, error: unknown, job: ClaimedJob): boolean {
  const answer = answerOf(retryIf, error, job)
  if (!has(answer, 'then')) return answer === true
  // So that its rejection doesn't end the process.
  void Promise.resolve(answer).catch(() => {})
  throw unexpected('retryIf', 'true or false', answer)
}

function answerOf(retryIf: RetryIf, error: unknown, job: ClaimedJob): unknown {
  try {
    return retryIf(error, job)
  } catch (thrown) {
    throw new Error(`retryIf threw: ${messageOf(thrown)}`, { cause: thrown })
  }
}
