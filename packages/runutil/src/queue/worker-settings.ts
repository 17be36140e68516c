import { type Duration, toMs, toStorableIntervalMs } from '../core/duration.ts'
import { unexpected } from '../core/errors.ts'
import { checkOptions } from '../core/options.ts'
import { count } from './limits.ts'
import { type ResolvedRetention, type Retention, resolveRetention } from './retention.ts'

export interface QueueWorkerOptions {
  /** How many handlers run at once. Default 1. */
  concurrency?: number | undefined
  /** How long it waits when there is nothing to do and nobody wakes it. Default 1 s; at least 100 ms, less is taken as that. */
  pollInterval?: Duration | undefined
  /** How long a job stays with a process that doesn't renew it. Default 30 s. */
  lease?: Duration | undefined
  /**
   * The most jobs that it claims before it can start them. It takes that many only while jobs are short, and none of
   * kinds that have limits. Default 2,000; 0 claims just what can start.
   */
  prefetch?: number | undefined
  /**
   * The most bytes of payload that it holds, of jobs that run, wait here or have an outcome that isn't recorded yet. A larger
   * job is held alone; payloads of up to 512 bytes aren't counted. Default 16 MiB.
   */
  maxHeldBytes?: number | undefined
  /**
   * A job that its process died under, or lost the lease of, more often in a row than that ends as PANIC. Default 3. On its last
   * chance, a job is claimed alone, and in no process do two such run at once; with 0, that is each. It begins when all else
   * that the process holds has ended, and nothing begins beside it, each for 5 s at most; with 0, it runs beside others.
   */
  maxCrashes?: number | undefined
  /**
   * How long ended jobs of its kinds are kept: a duration, `'forever'`, or one for each outcome, as
   * `{ done: '1d', failed: 'forever' }`, FAILED and PANIC alike. Where live processes differ, the longest holds. Default
   * 7 days.
   */
  retention?: Retention | undefined
}

/** The options, checked: no default missing, times in ms. */
export interface WorkerSettings {
  readonly concurrency: number
  readonly pollIntervalMs: number
  readonly leaseMs: number
  readonly prefetch: number
  readonly maxHeldBytes: number
  readonly maxCrashes: number
  readonly retention: ResolvedRetention
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
  } = checkOptions(what, options, [
    'concurrency',
    'pollInterval',
    'lease',
    'prefetch',
    'maxHeldBytes',
    'maxCrashes',
    'retention',
  ])
  return {
    concurrency: count(concurrency, `${what}: concurrency`)!,
    pollIntervalMs: Math.max(LEAST_POLL_INTERVAL_MS, toMs(pollInterval, `${what}: pollInterval`)),
    leaseMs: toStorableIntervalMs(lease, `${what}: lease`),
    prefetch: natural(prefetch, `${what}: prefetch`),
    maxHeldBytes: count(maxHeldBytes, `${what}: maxHeldBytes`)!,
    maxCrashes: natural(maxCrashes, `${what}: maxCrashes`),
    retention: resolveRetention(retention, `${what}: retention`),
  }
}

function natural(value: number, what: string): number {
  if (Number.isInteger(value) && value >= 0) return value
  throw unexpected(what, 'a whole number of 0 or more', value)
}
