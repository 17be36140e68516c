import { InvalidArgumentError } from '../core/errors.ts'
import { callJob, type Job, type JobFunc } from '../core/job.ts'
import { checkOptions } from '../core/options.ts'
import type { Worker } from '../core/worker.ts'
import { type CronOptions, toCronSettings } from '../cron/cron-settings.ts'
import { CronPlan } from './cron-plan.ts'
import type { LeaseStore } from './lease-store.ts'
import { checkLease, leasedWorker, type LeaseOptions } from './leased-worker.ts'

/**
 * As `cron`, but across all processes that share the leases: an instant is due by the store's clock, even if the clocks of the
 * processes differ, and runs in one of them.
 *
 * An instant whose process died, or that came when none was running, is missed: with `missed: 'once'` the latest of those runs late,
 * with `'skip'` only if it is on time. One that failed has run. Nothing runs before the first instant after the name was
 * first known. `pattern` and `timezone` are those of the replica that started last, for all replicas at once, counted from the start
 * of the last run. `currentRun()` in a run says which instant it is for, `currentFence()` is its fencing token.
 *
 * An error of the job ends the worker with that error: with `retry` it goes on, without it the group ends.
 *
 * @param leases a PostgresLeaseStore; a MemoryLeaseStore where there is one process
 * @param name identifies the work across all processes; one name space with `distributedRepeat` and `singleton`
 * @throws InvalidArgumentError, InvalidDurationError at the call; also for `missed: 'all'`, since a lease keeps one instant
 *
 * @example
 * distributedCron(leases, 'nightly-report', '0 2 * * *', sendReport, { timezone: 'Europe/Berlin' })
 */
export function distributedCron(
  leases: LeaseStore,
  name: string,
  pattern: string,
  job: Job | JobFunc,
  options: CronOptions & LeaseOptions = {},
): Worker {
  const what = 'distributedCron'
  const { lease, ...cronOptions } = checkOptions(what, options, [
    'lease',
    'timezone',
    'missed',
    'tolerance',
    'jitter',
    'timeout',
    'warnAfter',
  ])
  const leaseMs = checkLease(what, leases, name, lease === undefined ? {} : { lease })
  const settings = toCronSettings(what, pattern, job, cronOptions)
  if (settings.missed === 'all') {
    throw new InvalidArgumentError(
      `${what}: missed: expected 'once' or 'skip'; got 'all'; to run each instant, enqueue a job with the instant in its id`,
    )
  }
  const { limits } = settings
  return leasedWorker({
    kind: 'cron',
    leases,
    name,
    leaseMs,
    limits,
    newPlan: (clock) => new CronPlan(settings, clock),
    run: (signal) => callJob(job, signal),
  })
}
