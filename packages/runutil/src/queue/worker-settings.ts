import { type Duration, toMs, toStorableIntervalMs } from '../core/duration.ts'
import { checkOptions } from '../core/options.ts'
import { wholeNumber } from '../core/whole-number.ts'
import { count } from './limits.ts'
import { workerHint } from './option-place.ts'
import { type RetryOptions, type RetryPolicy, resolveRetries } from './retry-policy.ts'
import { type ResolvedRetention, type Retention, resolveRetention } from './retention.ts'

/** `attempts` and `backoff` are those of its kinds that have none of their own. */
export interface QueueWorkerOptions extends RetryOptions {
  /** How many handlers run at once. Default 1. */
  concurrency?: number | undefined
  /** How long an idle worker waits without a notification before it polls. Default 1 s; below 100 ms counts as 100 ms. */
  pollInterval?: Duration | undefined
  /** How long a process holds a job without renewing its lease. Default 30 s. */
  lease?: Duration | undefined
  /**
   * The most jobs to claim before they can start. That many only while jobs are short, and none of kinds that have limits.
   * Default 2,000; 0 claims only jobs that can start.
   */
  prefetch?: number | undefined
  /**
   * The most bytes of payload to hold, of jobs that run, wait here or have an unrecorded outcome. A larger job is held
   * alone; payloads of up to 512 bytes aren't counted. Default 16 MiB.
   */
  maxHeldBytes?: number | undefined
  /**
   * How often in a row a process may die, or lose its lease, while it holds a job; once more ends the job as PANIC. Default
   * 3. A job on its last chance is claimed alone, and a process runs at most one such job at a time; with 0, every job is
   * one. It starts after the process's other jobs have ended, and none starts beside it, each for at most 5 s; with 0, it
   * runs beside others.
   */
  maxCrashes?: number | undefined
  /**
   * How long ended jobs of its kinds are kept: a duration, `'forever'`, or one for each outcome, such as
   * `{ done: '1d', failed: 'forever' }`, where `failed` includes PANIC. Where live processes differ, the longest applies.
   * Default 7 days.
   */
  retention?: Retention | undefined
}

/** The options, checked, with defaults applied and times in ms. */
export interface WorkerSettings {
  readonly concurrency: number
  readonly pollIntervalMs: number
  readonly leaseMs: number
  readonly prefetch: number
  readonly maxHeldBytes: number
  readonly maxCrashes: number
  readonly retention: ResolvedRetention
  /** The defaults of its kinds. */
  readonly retries: RetryPolicy
}

const LEAST_POLL_INTERVAL_MS = 100

/** @throws InvalidArgumentError, InvalidDurationError */
export function resolveSettings(options: QueueWorkerOptions): WorkerSettings {
  const what = 'QueueWorker'
  const {
    concurrency = 1,
    pollInterval = 1_000,
    lease = 30_000,
    prefetch = 2_000,
    maxHeldBytes = 16 * 1024 * 1024,
    maxCrashes = 3,
    retention = '7d',
    attempts,
    backoff,
  } = checkOptions(
    what,
    options,
    [
      'concurrency',
      'pollInterval',
      'lease',
      'prefetch',
      'maxHeldBytes',
      'maxCrashes',
      'retention',
      'attempts',
      'backoff',
    ],
    workerHint,
  )
  return {
    concurrency: count(concurrency, `${what}: concurrency`)!,
    pollIntervalMs: Math.max(LEAST_POLL_INTERVAL_MS, toMs(pollInterval, `${what}: pollInterval`)),
    leaseMs: toStorableIntervalMs(lease, `${what}: lease`),
    prefetch: wholeNumber(prefetch, `${what}: prefetch`),
    maxHeldBytes: count(maxHeldBytes, `${what}: maxHeldBytes`)!,
    maxCrashes: wholeNumber(maxCrashes, `${what}: maxCrashes`),
    retention: resolveRetention(retention, `${what}: retention`),
    retries: resolveRetries({ attempts, backoff }, what),
  }
}
