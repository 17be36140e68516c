import { describe } from '../core/describe.ts'
import { LONGEST_MS } from '../core/duration.ts'
import { codeOf, isInstance, messageOf, nameOf, reasonOf } from '../core/thrown.ts'
import { errorText } from './error-text.ts'
import { ErrInvalidJob, LEAST_RETRY_MS, RetryableError } from './errors.ts'
import type { ClaimedJob } from './job.ts'
import { toJson } from './json.ts'
import type { Outcome, Retry } from './outcome.ts'
import type { HandlerResult } from './perform.ts'
import { type RetryPolicy, waitBeforeRetry } from './retry-policy.ts'

/** The retry delay of a job that stopped early because its worker was shutting down. */
const AFTER_STOP_MS = 5_000

/**
 * What an attempt's end means for its job. Pure, as far as the functions of its retry policy are, and it never throws, whatever a
 * handler returned or threw.
 *
 * DONE when the handler returned. PENDING when it threw a RetryableError, or stopped early because its signal was aborted.
 * PANIC when it threw what a Go program would call a panic: an error of the language, an assertion, a non-Error; or when
 * the payload or the result doesn't match its schema. FAILED for every other error. Instead of FAILED or PANIC, PENDING
 * where its policy says so.
 */
export function judge(result: HandlerResult, context: JudgeContext): Outcome {
  try {
    return outcomeOf(result, context)
  } catch (error) {
    // Such as a getter that throws only the second time.
    return panic(`the handler's result or error cannot be read: ${messageOf(error)}`)
  }
}

export interface JudgeContext {
  readonly job: ClaimedJob
  /** That of the job's kind. */
  readonly retries: RetryPolicy
  /** The most characters of JSON in a result. Default 4 MiB. */
  readonly maxJson?: number | undefined
}

function outcomeOf(result: HandlerResult, context: JudgeContext): Outcome {
  switch (result.kind) {
    case 'returned':
      return done(result.value, context)
    case 'threw':
      return threw(result.error, result.stopped, context)
    case 'mismatch':
      return failed(new MismatchError(`${result.what} doesn't fit the schema: ${result.issues}`), context)
    case 'codec':
      return failed(new MismatchError(result.message), context)
    case 'overdue':
      return failed(result.error, context)
    default:
      return result satisfies never
  }
}

/** The outcome of a job whose process died too often while running it; undefined: it may run. Pure. */
export function judgeCrashes({ crashes }: ClaimedJob, maxCrashes: number): Outcome | undefined {
  if (crashes <= maxCrashes) return undefined
  const why = `its process died, or lost its lease, ${crashes} times while it held this job`
  return { ...panic(why), counted: false }
}

/** A panic that the handler didn't throw: what it was given or returned can't be used. */
class MismatchError extends ErrInvalidJob {}

function done(value: unknown, context: JudgeContext): Outcome {
  if (value === undefined) return { status: 'DONE' }
  let result
  try {
    result = toJson(value, 'result', context.maxJson)
  } catch (error) {
    return failed(new MismatchError(messageOf(error)), context)
  }
  return { status: 'DONE', result }
}

function threw(error: unknown, stopped: boolean, context: JudgeContext): Outcome {
  if (isInstance(error, RetryableError)) {
    return retryAfter(`retryable-error: ${messageOf(error)}`, storableDelay(error.retryAfterMs))
  }
  if (!stopped) return failed(error, context)
  return { ...retryAfter(`aborted: ${messageOf(error)}`, AFTER_STOP_MS), stopped }
}

/** The policy of the job's kind decides, unless this was the last attempt. */
function failed(error: unknown, { job, retries }: JudgeContext): Outcome {
  const final = finalOutcome(error)
  if (job.attempt >= retries.attempts) return final
  try {
    const waitMs = waitBeforeRetry(error, final.status === 'PANIC', job, retries)
    return waitMs === undefined ? final : retryAfter(final.lastError, waitMs)
  } catch (thrown) {
    return { status: 'FAILED', lastError: errorText(`${reasonOf(error)}; ${reasonOf(thrown)}`) }
  }
}

function finalOutcome(error: unknown): { status: 'FAILED' | 'PANIC'; lastError: string } {
  if (error instanceof MismatchError) return panic(error.message)
  if (isPanic(error)) return panic(textOf(error))
  return { status: 'FAILED', lastError: errorText(messageOf(error)) }
}

function retryAfter(lastError: string, delayMs: number): Retry {
  return { status: 'PENDING', lastError: errorText(lastError), delayMs, counted: true }
}

function panic(text: string): { status: 'PANIC'; lastError: string } {
  return { status: 'PANIC', lastError: errorText(`panic: ${text}`) }
}

/** The checked field may have been overwritten since. */
function storableDelay(ms: unknown): number {
  return typeof ms === 'number' && ms >= 0 && ms <= LONGEST_MS ? ms : LEAST_RETRY_MS
}

function isPanic(error: unknown): boolean {
  if (!isInstance(error, Error)) return true
  // The network error of fetch.
  if (isInstance(error, TypeError) && codeOf(error.cause) !== undefined) return false
  const ofLanguage = [TypeError, ReferenceError, RangeError, SyntaxError].some((type) =>
    isInstance(error, type),
  )
  // By its code, so that this module doesn't load node:assert.
  return ofLanguage || codeOf(error) === 'ERR_ASSERTION' || nameOf(error) === 'AssertionError'
}

function textOf(error: unknown): string {
  return isInstance(error, Error)
    ? `${nameOf(error)}: ${messageOf(error)}`
    : `a non-Error was thrown: ${describe(error)}`
}
