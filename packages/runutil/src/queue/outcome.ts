import { describe } from '../core/describe.ts'
import { LONGEST_MS } from '../core/duration.ts'
import { refusalText } from './error-text.ts'
import { ErrInvalidJob } from './errors.ts'
import type { ClaimedJob, JobStatus, LeasedJob } from './job.ts'

/** How an attempt ended, as a store records it. */
export type Outcome =
  | {
      readonly status: 'DONE'
      /** JSON; undefined when the handler returned nothing. */
      readonly result?: string | undefined
    }
  | {
      readonly status: 'FAILED' | 'PANIC'
      readonly lastError: string | undefined
      /** Whether the attempt adds to `attemptsDone`. Default true. */
      readonly counted?: boolean | undefined
    }
  | Retry

/** Run again `delayMs` after `runAt`, a time of day. Without `runAt`, the delay counts from now. */
export interface Retry {
  readonly status: 'PENDING'
  readonly lastError: string | undefined
  readonly runAt?: Date | undefined
  readonly delayMs: number
  /** Whether the attempt adds to `attemptsDone`. */
  readonly counted: boolean
  /** A stop ended the attempt: the next one has the same number, and `errors` stays as it is. Default false. */
  readonly stopped?: boolean | undefined
}

/** An outcome and the claim under which the job ran. */
export interface Settlement {
  readonly id: string
  readonly kind: string
  /** The fencing token of the claimed job. */
  readonly claim: number
  /** That of the claimed job. */
  readonly place?: number | undefined
  readonly outcome: Outcome
  /** That of the claimed job. */
  readonly attempt: number
  /** How long the handler took; 0 when it wasn't called. */
  readonly durationMs: number
}

export interface JobSettlement extends Settlement {
  readonly job: ClaimedJob
  /** When the handler was called, on the scale of `clock.elapsed()`; undefined: it wasn't. */
  readonly startedAt: number | undefined
}

/**
 * How an attempt at a claimed job ended.
 *
 * @param durationMs how long its handler took; 0 when it wasn't called
 * @param startedAt when it was called, on the scale of `clock.elapsed()`
 */
export function settlementOf<J extends LeasedJob>(
  job: J,
  outcome: Outcome,
  durationMs: number,
  startedAt?: number,
): Settlement & { readonly job: J; readonly startedAt: number | undefined } {
  const { id, kind, claim, place, attempt } = job
  return { id, kind, claim, place, outcome, attempt, durationMs, job, startedAt }
}

/** How many errors of a job are kept, and how many characters of each. */
export const MOST_ERRORS = 5
export const LONGEST_ERROR = 4_000

/** The error that an outcome adds to the job's `errors`; undefined: none. */
export function errorOf({ outcome }: Settlement): string | undefined {
  if (outcome.status === 'DONE') return undefined
  if (outcome.status === 'PENDING' && (!outcome.counted || outcome.stopped)) return undefined
  return outcome.lastError
}

/** Replaces a settlement that the store refused: PANIC with the reason, in ASCII, which every encoding has. */
export function refusalOf(settlement: Settlement, error: unknown): Settlement {
  const lastError = refusalText(settlement.outcome.status, error)
  return { ...settlement, outcome: { status: 'PANIC', lastError } }
}

/** The first time that not every store can hold: the year 10000. */
export const END_OF_TIME = Date.UTC(10_000, 0)

/** Refuses a batch with a time that not every store can hold, so that all stores behave alike. @throws ErrInvalidJob */
export function checkStorable(batch: readonly Settlement[]): void {
  for (const { id, outcome } of batch) {
    if (outcome.status !== 'PENDING') continue
    const { runAt, delayMs } = outcome
    const at = runAt?.getTime() ?? 0
    if (at < END_OF_TIME && delayMs >= 0 && delayMs <= LONGEST_MS) continue
    const wrong =
      at < END_OF_TIME ? `a delay of ${delayMs} ms` : 'an invalid date, or one after the year 9999'
    throw new ErrInvalidJob(
      `settle: expected a time that a store can hold for job ${describe(id)}; got ${wrong}`,
    )
  }
}

/** The statuses of jobs that have ended. */
export const END_STATUSES: readonly JobStatus[] = ['DONE', 'FAILED', 'PANIC']

export function isFinal(status: JobStatus): boolean {
  return status !== 'PENDING'
}
