import type { Job, JobFunc } from '../core/job.ts'
import type { RunLimits } from '../core/run.ts'

/** What a Ticker is made from. */
export interface TickerSettings {
  readonly everyMs: number
  readonly job: Job | JobFunc
  readonly startImmediately: boolean
  readonly jitterMs: number
  /** Undefined if no limit was given, so that runs cost nothing extra. */
  readonly limits: RunLimits | undefined
}
