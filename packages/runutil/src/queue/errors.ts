import { brandError } from '../core/brand.ts'
import { errorHas } from '../core/causes.ts'
import { describe } from '../core/describe.ts'
import { type Duration, toStorableMs } from '../core/duration.ts'
import { ErrLostLease } from '../core/err-lost-lease.ts'
import { StoreUnavailableError } from '../core/store-unavailable-error.ts'
import { isInstance, messageOf } from '../core/thrown.ts'
import type { JobStatus } from './job.ts'

/** Jobs with these ids exist, or hold unique keys of the call's, or one call had an id twice. Nothing of the call was stored. */
export class ErrJobExists extends Error {
  readonly code = 'ERR_JOB_EXISTS'
  /** Of the jobs that are there. */
  readonly ids: readonly string[]
  /** By their ids, the unique keys of those that were found by them. */
  readonly keys: ReadonlyMap<string, string>
  static {
    brandError(this, 'ErrJobExists')
  }
  constructor(ids: readonly string[], keys: ReadonlyMap<string, string> = new Map()) {
    const name = (id: string): string =>
      keys.has(id) ? `${describe(id)} with the unique key ${describe(keys.get(id))}` : describe(id)
    const named = ids.slice(0, 10).map(name).join(', ')
    const more = ids.length > 10 ? ` and ${ids.length - 10} more` : ''
    const by = keys.size === 0 ? 'ids' : 'ids or unique keys'
    super(`a job exists already with each of these ${by}, so nothing was enqueued: ${named}${more}`)
    this.ids = ids
    this.keys = keys
  }
}

/** A job that can't be stored; the message says what was expected and what it got. Nothing of the call was stored. */
export class ErrInvalidJob extends Error {
  readonly code = 'ERR_INVALID_JOB'
  static {
    brandError(this, 'ErrInvalidJob')
  }
}

/** A worker has two handlers for one kind. */
export class ErrKindExists extends Error {
  readonly code = 'ERR_KIND_EXISTS'
  readonly kind: string
  static {
    brandError(this, 'ErrKindExists')
  }
  constructor(kind: string) {
    super(`a handler for kind '${kind}' is registered already; a worker has one for each kind`)
    this.kind = kind
  }
}

/** A worker was given a job of a kind that it has no handler for. */
export class ErrUnknownKind extends Error {
  readonly code = 'ERR_UNKNOWN_KIND'
  readonly kind: string
  static {
    brandError(this, 'ErrUnknownKind')
  }
  constructor(kind: string, known: readonly string[]) {
    const names = known.length === 0 ? 'none' : known.join(', ')
    super(`no handler is registered for kind '${kind}'; registered: ${names}`)
    this.kind = kind
  }
}

/** The process no longer holds the job: its lease expired, or it was cancelled. The outcome isn't recorded. */
export function jobLost(id: string): ErrLostLease {
  return new ErrLostLease(
    `the lease of job ${describe(id)} was lost: it ran out and others may run the job, or it was cancelled`,
    id,
  )
}

/** Whether the error is the lost lease of this job, not of another job or of a lease outside the queue. */
export function isJobLost(error: unknown, id: string): boolean {
  return errorHas(error, (one) => isInstance(one, ErrLostLease) && one.id === id)
}

/** No job has this id: it was never enqueued, or its retention is over. */
export class JobNotFoundError extends Error {
  readonly code = 'ERR_JOB_NOT_FOUND'
  readonly id: string
  static {
    brandError(this, 'JobNotFoundError')
  }
  constructor(id: string) {
    super(`no job has the id ${describe(id)}`)
    this.id = id
  }
}

/** The job whose result was awaited ended FAILED or PANIC. */
export class JobFailedError extends Error {
  readonly code = 'ERR_JOB_FAILED'
  readonly id: string
  /** 'FAILED' or 'PANIC'. */
  readonly status: JobStatus
  readonly lastError: string | undefined
  static {
    brandError(this, 'JobFailedError')
  }
  constructor(job: { id: string; status: JobStatus; lastError?: string | undefined }) {
    super(`job ${describe(job.id)} ended ${job.status}: ${job.lastError ?? 'no reason recorded'}`)
    this.id = job.id
    this.status = job.status
    this.lastError = job.lastError
  }
}

/** The job whose result was awaited hasn't ended in time. The job goes on. */
export class ResultTimeoutError extends Error {
  readonly code = 'ERR_RESULT_TIMEOUT'
  readonly id: string
  static {
    brandError(this, 'ResultTimeoutError')
  }
  constructor(id: string, timeoutMs: number) {
    super(`job ${describe(id)} hadn't ended after ${timeoutMs} ms`)
    this.id = id
  }
}

/** Why a handler's signal aborted: it took longer than its kind's `deadline`. */
export class DeadlineExceededError extends Error {
  readonly code = 'ERR_DEADLINE_EXCEEDED'
  static {
    brandError(this, 'DeadlineExceededError')
  }
  constructor(deadlineMs: number) {
    super(`the deadline of ${deadlineMs} ms was exceeded`)
  }
}

/** The shortest time before a retry. */
export const LEAST_RETRY_MS = 5_000

/**
 * Thrown by a handler: run this job again later.
 *
 * @throws InvalidDurationError
 *
 * @example
 * throw new RetryableError({ cause: error, retryAfter: '1m' })
 */
export class RetryableError extends Error {
  readonly code = 'ERR_RETRYABLE'
  /** Ms from now; at least 5 s, which is also the default, and at most 3,000 years. */
  readonly retryAfterMs: number
  static {
    brandError(this, 'RetryableError')
  }
  constructor({ cause, retryAfter = LEAST_RETRY_MS }: { cause?: unknown; retryAfter?: Duration } = {}) {
    super(reasonOf(cause), { cause })
    this.retryAfterMs = Math.max(LEAST_RETRY_MS, toStorableMs(retryAfter, 'RetryableError: retryAfter'))
  }
}

function reasonOf(cause: unknown): string {
  if (isInstance(cause, Error)) return messageOf(cause)
  return typeof cause === 'string' ? cause : cause === undefined ? 'to be retried' : describe(cause)
}

/** A job is completed in a caller's transaction that is still open: the handler's result is recorded after that ends. */
export class TransactionOpenError extends StoreUnavailableError {
  constructor(message: string) {
    super(message, { outcomeUnknown: false })
  }
}
