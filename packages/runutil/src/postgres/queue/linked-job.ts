import type { NewJob } from '../../queue/job-store.ts'
import type { OnExists } from '../../queue/job.ts'

/** A job, with what its call does if it is there. */
export interface LinkedJob {
  readonly job: NewJob
  readonly onExists: OnExists
  readonly maxDelayMs: number | undefined
}
