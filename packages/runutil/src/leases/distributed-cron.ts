import { unexpected } from '../core/errors.ts'
import { callJob, type Job, type JobFunc } from '../core/job.ts'
import { checkOptions } from '../core/options.ts'
import type { Worker } from '../core/worker.ts'
import { type CronOptions, toCronSettings } from '../cron/cron-settings.ts'
import { CronPlan } from './cron-plan.ts'
import type { LeaseStore } from './lease-store.ts'
import { checkLease, leasedWorker, type LeaseOptions } from './leased-worker.ts'

/**
 * As `cron`, but across all processes that share the leases: an instant is due by the store's clock, even if the clocks of the
 * processes differ, and runs in one of the processes.
 *
 * An instant is missed if its process died, or if no process was running: with `missed: 'once'` the latest missed instant runs
 * late, with `'skip'` only if it is on time. An instant whose run failed has run. Instants before the name became known to the
 * store never run. All replicas use the `pattern` and `timezone` of the replica that started last, counted from the start of the
 * last run. In a run, `currentRun()` returns its instant, and `currentFence()` its fencing token.
 *
 * An error of the job ends the worker with that error: with `retry` it is restarted, without it the group ends.
 *
 * @param leases a PostgresLeaseStore; for a single process, a MemoryLeaseStore
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
  checkMissed(what, options.missed)
  const settings = toCronSettings(what, pattern, job, cronOptions)
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

function checkMissed(what: string, missed: unknown): void {
  if (missed === undefined || missed === 'once' || missed === 'skip') return
  const hint = missed === 'all' ? '; to run each instant, enqueue a job with the instant in its id' : ''
  throw unexpected(`${what}: missed`, "'once' or 'skip'", missed, hint)
}
