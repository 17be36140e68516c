import type { QueuedJob } from '../../../queue/job.ts'
import type { Aged, AsJson } from '../../views/read-model.ts'

/** A job as a list has it: without payload, result and errors. */
export type ListedJob = Omit<AsJson<QueuedJob>, 'payload' | 'result' | 'errors'>

/** A job with all that is known of it; long values as the server cuts them. */
export type WholeJob = AsJson<QueuedJob> &
  Aged & { readonly payloadBytes?: number; readonly resultBytes?: number }
