import type { ClaimedJob, JobStatus } from './job.ts'

/** How an attempt ended, as a store records it. */
export type Outcome =
  | {
      readonly status: 'DONE'
      /** JSON; undefined when the handler returned nothing. */
      readonly result?: string | undefined
    }
  | { readonly status: 'FAILED' | 'PANIC'; readonly lastError: string | undefined }
  | Again

/** To be run again, `delayMs` after `runAt`, which is now when left out. */
export interface Again {
  readonly status: 'PENDING'
  readonly lastError: string | undefined
  readonly runAt?: Date | undefined
  readonly delayMs: number
  /** Whether it adds to `attemptsDone`. */
  readonly counted: boolean
}

/** An outcome and the claim that it was reached under. */
export interface Settlement {
  readonly id: string
  readonly kind: string
  readonly claim: number
  readonly outcome: Outcome
  /** Which attempt it was, counted from 1. */
  readonly attempt: number
  /** How long the handler took; 0 when it wasn't called. */
  readonly durationMs: number
}

export interface JobSettlement extends Settlement {
  readonly job: ClaimedJob
}

/** How an attempt at a claimed job ended. @param durationMs how long its handler took; 0 when it wasn't called */
export function settlementOf(job: ClaimedJob, outcome: Outcome, durationMs: number): JobSettlement {
  const { id, kind, claim, attemptsDone } = job
  return { id, kind, claim, outcome, attempt: attemptsDone + 1, durationMs, job }
}

export function isFinal(status: JobStatus): boolean {
  return status !== 'PENDING'
}
