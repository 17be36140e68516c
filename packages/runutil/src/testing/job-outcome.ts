import type { Progress } from '../core/progress.ts'
import { type Encoding, decodeOrKeep } from '../queue/codec.ts'
import { ErrInvalidJob } from '../queue/errors.ts'
import type { ClaimedJob, JobStatus } from '../queue/job.ts'
import type { Outcome } from '../queue/outcome.ts'
import type { HandlerResult } from '../queue/perform.ts'

/** How one attempt at a job ended. */
export interface JobOutcome {
  readonly id: string
  readonly kind: string
  /** The number of the attempt, as `ClaimedJob.attempt`. */
  readonly attempt: number
  /** PENDING: the job will be tried again, `retryAfterMs` after this attempt. */
  readonly status: JobStatus
  /** Only of a DONE job whose handler returned something: that, after it went through JSON. */
  readonly result?: unknown
  /** Unless DONE: what the handler threw, or an ErrInvalidJob for a payload or a result that can't be used. */
  readonly error?: unknown
  /** Unless DONE: what is stored of the error, such as 'panic: TypeError: …'. */
  readonly lastError?: string
  /** Only of a PENDING job. */
  readonly retryAfterMs?: number
  /** What the handler last passed to `reportProgress`. */
  readonly progress?: Progress
}

/** An attempt whose handler has ended, or wasn't called. */
export interface EndedAttempt {
  readonly job: ClaimedJob
  readonly outcome: Outcome
  /** Undefined: the handler wasn't called. */
  readonly result: HandlerResult | undefined
  readonly progress: Progress | undefined
}

/** @param encoding of the results in outcomes */
export async function toJobOutcome(ended: EndedAttempt, encoding?: Encoding): Promise<JobOutcome> {
  const { job, outcome, progress } = ended
  const { id, kind, attempt } = job
  const facts = { id, kind, attempt, ...(progress !== undefined && { progress }) }
  if (outcome.status === 'DONE') {
    const { status, result } = outcome
    if (result === undefined) return { ...facts, status }
    const stored: unknown = JSON.parse(result)
    const codec = encoding?.codec
    return { ...facts, status, result: codec === undefined ? stored : await decodeOrKeep(stored, job, codec) }
  }
  const { status, lastError = '' } = outcome
  const failed = { ...facts, status, lastError, error: errorOf(ended, lastError) }
  return outcome.status === 'PENDING' ? { ...failed, retryAfterMs: outcome.delayMs } : failed
}

function errorOf({ result }: EndedAttempt, lastError: string): unknown {
  if (result === undefined) return new Error(lastError)
  if (result.kind === 'threw' || result.kind === 'overdue') return result.error
  return new ErrInvalidJob(lastError.replace(/^panic: /, ''))
}
