import { currentClock } from '../core/context.ts'
import { describe } from '../core/describe.ts'
import { type Duration, toMs } from '../core/duration.ts'
import { InvalidArgumentError } from '../core/errors.ts'
import { Notify } from '../core/notify.ts'
import { checkOptions } from '../core/options.ts'
import { type JobCodec, decodeOrKeep } from './codec.ts'
import { JobFailedError, JobNotFoundError, ResultTimeoutError } from './errors.ts'
import type { QueuedJob } from './job.ts'
import type { ObservedJobStore } from './observed-job-store.ts'

/** Options of `queue.result`. */
export interface AwaitResultOptions {
  /** How long to wait for the end of the job. Default: no limit. */
  timeout?: Duration | undefined
  /** Ends the wait, which then rejects with the reason. The job goes on. */
  signal?: AbortSignal | undefined
}

/** The poll interval for a job that another process runs; it doubles from the first to the longest. */
const FIRST_POLL_MS = 10
const LONGEST_POLL_MS = 500

/**
 * Polls a job until it ends; resolves at once when it ends in this process.
 *
 * @param kind that the job has to be of; default any
 */
export async function awaitResult(
  store: ObservedJobStore,
  id: string,
  options: AwaitResultOptions,
  kind?: string,
): Promise<unknown> {
  const { timeout, signal } = checkOptions('result', options, ['timeout', 'signal'])
  const clock = currentClock()
  const timeoutMs = timeout === undefined ? Infinity : toMs(timeout, 'result: timeout')
  const giveUpAt = clock.elapsed() + timeoutMs
  const settled = new Notify(clock, signal)
  const off = store.onEvent((event) => {
    if (event.type === 'settled' && event.id === id) settled.notify()
  })
  try {
    for (let pollMs = FIRST_POLL_MS; ; pollMs = Math.min(2 * pollMs, LONGEST_POLL_MS)) {
      signal?.throwIfAborted()
      const job = await store.get(id)
      if (job === undefined) throw new JobNotFoundError(id)
      if (kind !== undefined && kind !== job.kind) throw otherKind(job, kind)
      if (job.status !== 'PENDING') return await resultOf(job, store.codec)
      const leftMs = giveUpAt - clock.elapsed()
      if (leftMs <= 0) throw new ResultTimeoutError(id, timeoutMs)
      await settled.wait(Math.min(pollMs, leftMs))
    }
  } finally {
    off()
  }
}

function otherKind(job: QueuedJob, kind: string): InvalidArgumentError {
  return new InvalidArgumentError(
    `result: expected a job of kind '${kind}'; ${describe(job.id)} is of kind '${job.kind}'`,
  )
}

async function resultOf(job: QueuedJob, codec: JobCodec | undefined): Promise<unknown> {
  if (job.status !== 'DONE') throw new JobFailedError(job)
  return codec === undefined || job.result === undefined
    ? job.result
    : await decodeOrKeep(job.result, job, codec)
}
