import { describe } from '../core/errors.ts'
import { errorText } from './error-text.ts'
import { RetryableError } from './errors.ts'
import type { ClaimedJob } from './job.ts'
import { toJson } from './json.ts'
import type { Outcome } from './outcome.ts'
import type { Performed } from './perform.ts'

/** How long a job waits that gave up because its worker was told to stop. */
const AFTER_STOP_MS = 5_000

/**
 * What an attempt's end means for its job (seed 001, Attempt). Pure.
 *
 * DONE when the handler returned. To be retried when it threw a RetryableError, or gave up because it was told to
 * stop. PANIC when it threw what a Go program would call a panic: an error of the language, an assertion, a
 * non-Error; or when what went in or came out isn't what it should be. FAILED for every other error.
 */
export function judge(performed: Performed): Outcome {
  switch (performed.kind) {
    case 'returned':
      return done(performed.value)
    case 'threw':
      return failed(performed.error, performed.stopped)
    case 'mismatch':
      return panic(`${performed.what} doesn't fit the schema: ${performed.issues}`)
    case 'overdue':
      return { status: 'FAILED', lastError: performed.error.message }
    default:
      return performed satisfies never
  }
}

/** What becomes of a job whose process died under it again and again; undefined: it may run. Pure. */
export function judgeCrashes({ crashes }: ClaimedJob, maxCrashes: number): Outcome | undefined {
  if (crashes <= maxCrashes) return undefined
  return panic(`its process died, or lost its lease, ${crashes} times while it held this job`)
}

function done(value: unknown): Outcome {
  if (value === undefined) return { status: 'DONE' }
  try {
    return { status: 'DONE', result: toJson(value, 'result') }
  } catch (error) {
    return panic(messageOf(error))
  }
}

function failed(error: unknown, stopped: boolean): Outcome {
  if (error instanceof RetryableError) return again(`retryable-error: ${error.message}`, error.retryAfterMs)
  if (stopped) return again(`aborted: ${messageOf(error)}`, AFTER_STOP_MS)
  if (isPanic(error)) return panic(textOf(error))
  return { status: 'FAILED', lastError: errorText(messageOf(error)) }
}

function again(lastError: string, delayMs: number): Outcome {
  return { status: 'PENDING', lastError: errorText(lastError), delayMs, counted: true }
}

function panic(text: string): Outcome {
  return { status: 'PANIC', lastError: errorText(`panic: ${text}`) }
}

function isPanic(error: unknown): boolean {
  if (!(error instanceof Error)) return true
  const ofLanguage = [TypeError, ReferenceError, RangeError, SyntaxError].some(
    (type) => error instanceof type,
  )
  // By its code: this room doesn't load node:assert.
  return (
    ofLanguage || (error as { code?: unknown }).code === 'ERR_ASSERTION' || error.name === 'AssertionError'
  )
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : describe(error)
}

function textOf(error: unknown): string {
  return error instanceof Error
    ? `${error.name}: ${error.message}`
    : `a non-Error was thrown: ${describe(error)}`
}
