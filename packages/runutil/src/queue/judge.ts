import { describe } from '../core/describe.ts'
import { LONGEST_MS } from '../core/duration.ts'
import { codeOf, isInstance, messageOf, nameOf } from '../core/thrown.ts'
import { errorText } from './error-text.ts'
import { LEAST_RETRY_MS, RetryableError } from './errors.ts'
import type { ClaimedJob } from './job.ts'
import { toJson } from './json.ts'
import type { Outcome } from './outcome.ts'
import type { HandlerResult } from './perform.ts'

/** The retry delay of a job that stopped early because its worker was shutting down. */
const AFTER_STOP_MS = 5_000

/**
 * What an attempt's end means for its job. Pure, and it never throws, whatever a handler returned or
 * threw.
 *
 * DONE when the handler returned. Retried when it threw a RetryableError, or stopped early because its signal was aborted.
 * PANIC when it threw what a Go program would call a panic: an error of the language, an assertion, a non-Error; or when
 * the payload or the result doesn't match its schema. FAILED for every other error.
 *
 * @param mostJson the most characters of JSON in a result; default 4 MiB
 */
export function judge(result: HandlerResult, mostJson?: number): Outcome {
  try {
    return outcomeOf(result, mostJson)
  } catch (error) {
    // Such as a getter that throws only the second time.
    return panic(`the handler's result or error cannot be read: ${messageOf(error)}`)
  }
}

function outcomeOf(result: HandlerResult, mostJson: number | undefined): Outcome {
  switch (result.kind) {
    case 'returned':
      return done(result.value, mostJson)
    case 'threw':
      return failed(result.error, result.stopped)
    case 'mismatch':
      return panic(`${result.what} doesn't fit the schema: ${result.issues}`)
    case 'overdue':
      return { status: 'FAILED', lastError: errorText(result.error.message) }
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

function done(value: unknown, mostJson: number | undefined): Outcome {
  if (value === undefined) return { status: 'DONE' }
  try {
    return { status: 'DONE', result: toJson(value, 'result', mostJson) }
  } catch (error) {
    return panic(messageOf(error))
  }
}

function failed(error: unknown, stopped: boolean): Outcome {
  if (isInstance(error, RetryableError)) {
    return retryAfter(`retryable-error: ${messageOf(error)}`, storableDelay(error.retryAfterMs))
  }
  if (stopped) return retryAfter(`aborted: ${messageOf(error)}`, AFTER_STOP_MS)
  if (isPanic(error)) return panic(textOf(error))
  return { status: 'FAILED', lastError: errorText(messageOf(error)) }
}

function retryAfter(lastError: string, delayMs: number): Outcome {
  return { status: 'PENDING', lastError: errorText(lastError), delayMs, counted: true }
}

function panic(text: string): Outcome & { status: 'PANIC' } {
  return { status: 'PANIC', lastError: errorText(`panic: ${text}`) }
}

/** The checked field may have been overwritten since. */
function storableDelay(ms: unknown): number {
  return typeof ms === 'number' && ms >= 0 && ms <= LONGEST_MS ? ms : LEAST_RETRY_MS
}

function isPanic(error: unknown): boolean {
  if (!isInstance(error, Error)) return true
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
