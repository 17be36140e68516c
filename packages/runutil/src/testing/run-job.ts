import type { Clock } from '../core/clock.ts'
import { currentClock } from '../core/context.ts'
import { unexpected } from '../core/errors.ts'
import { checkOptions } from '../core/options.ts'
import { wholeNumber } from '../core/whole-number.ts'
import { ErrUnknownKind } from '../queue/errors.ts'
import { prepareJobs } from '../queue/job-input.ts'
import type { JobInput, LeasedJob } from '../queue/job.ts'
import { type QueueWorker, handlersOf } from '../queue/queue-worker.ts'
import { newStoredJob, toLeasedJob } from '../queue/stored-job.ts'
import { attemptJob, checkClock } from './attempt-job.ts'
import { type JobOutcome, toJobOutcome } from './job-outcome.ts'

/** Options of `runJob`. */
export interface RunJobOptions {
  /** That of the handler, for its deadline and waits. Default: that of the group, or the system's. */
  clock?: Clock | undefined
  /** Aborts that of the handler, as a worker that is stopped. */
  signal?: AbortSignal | undefined
}

/** A job as for `enqueue`. */
export interface JobToRun extends JobInput {
  /** The number of the attempt. Default 1. */
  readonly attempt?: number | undefined
  /** The results of the jobs that it runs after, by their ids. Default: none. */
  readonly dependencies?: Readonly<Record<string, unknown>> | undefined
}

/**
 * Calls the handler of one job, without a store: with the worker's middleware, validation of payload and result, deadline, and the
 * retry policy of the kind, which decides on the outcome. The job isn't stored, and its retry doesn't happen.
 *
 * @throws ErrInvalidJob, ErrUnknownKind, InvalidArgumentError; an error of the handler is part of the outcome
 *
 * @example
 * const outcome = await runJob(worker, { kind: 'mail', payload: { to: 'ada' }, attempt: 3 })
 * assert.equal(outcome.status, 'FAILED')
 */
export async function runJob(
  worker: QueueWorker,
  job: JobToRun,
  options: RunJobOptions = {},
): Promise<JobOutcome> {
  const { clock = currentClock(), signal } = checkOptions('runJob', options, ['clock', 'signal'])
  checkClock(clock, 'runJob')
  if (signal !== undefined && !(signal instanceof AbortSignal))
    throw unexpected('runJob: signal', 'an AbortSignal', signal)
  const { kinds } = handlersOf(worker, 'runJob', undefined)
  const leased = leasedJob(job, clock.now())
  if (!kinds.has(leased.kind)) throw new ErrUnknownKind(leased.kind, [...kinds.keys()])
  const dependencies = (): Promise<Record<string, unknown>> => Promise.resolve({ ...job.dependencies })
  return toJobOutcome(await attemptJob({ job: leased, kinds, clock, signal, dependencies }).ended)
}

/** A job as a store would give it out. */
function leasedJob(input: JobToRun, now: number): LeasedJob {
  if (Array.isArray(input)) throw unexpected('runJob: job', 'one job', input)
  const [job] = prepareJobs(input).jobs
  const attempt = wholeNumber(input.attempt ?? 1, 'runJob: attempt', { min: 1 })
  const stored = { ...newStoredJob(job!, 1, now), claim: 1, claimedAt: now, attemptsDone: attempt - 1 }
  return toLeasedJob(stored)
}
