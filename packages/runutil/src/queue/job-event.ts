import type { JobStatus } from './job.ts'

/** What happened to a job, as this process saw it. */
export type JobEvent =
  | { readonly type: 'enqueued'; readonly id: string; readonly kind: string }
  /** It was enqueued with `after`: it waits for other jobs, unless those have ended. */
  | { readonly type: 'blocked'; readonly id: string; readonly kind: string }
  | { readonly type: 'claimed'; readonly id: string; readonly kind: string; readonly attempt: number }
  /** What its handler passed to `reportProgress`: the first report at once, then at most one a second, the latest. */
  | {
      readonly type: 'progress'
      readonly id: string
      readonly kind: string
      readonly attempt: number
      readonly done: number
      readonly total?: number | undefined
      readonly note?: string | undefined
    }
  | {
      readonly type: 'settled'
      readonly id: string
      readonly kind: string
      readonly attempt: number
      /** How long the handler took. */
      readonly durationMs: number
      /** PENDING: it will be retried. */
      readonly status: JobStatus
      readonly lastError?: string | undefined
    }
  /** Its lease was lost before its outcome or release was recorded. */
  | { readonly type: 'lost'; readonly id: string; readonly kind: string; readonly attempt: number }
  /** Released unstarted, as if it had never been claimed. */
  | { readonly type: 'released'; readonly id: string; readonly kind: string; readonly attempt: number }
  /** An operator's retry through this object: it had failed, and waits again. */
  | { readonly type: 'retried'; readonly id: string; readonly kind: string }
  /** A kind was paused or resumed through this object. */
  | { readonly type: 'paused' | 'resumed'; readonly kind: string }
