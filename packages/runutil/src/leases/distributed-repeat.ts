import { type Duration, toStorableIntervalMs } from '../core/duration.ts'
import { type Job, type JobFunc, callJob, checkJob } from '../core/job.ts'
import { refusePattern } from '../core/refuse-pattern.ts'
import type { Worker } from '../core/worker.ts'
import type { LeaseStore } from './lease-store.ts'
import { type LeaseOptions, checkLease, leasedWorker } from './leased-worker.ts'
import { RepeatPlan } from './repeat-plan.ts'

/**
 * As `repeat`, but across all processes that share the leases: at most one run in each interval, and never two at once.
 *
 * The interval counts from the start of the last run, and all replicas use that of the replica that started last; the first run is
 * due at once. An error of the job ends the worker with that error; the failed run is due again after a delay that all processes
 * share: 1 s, doubled with each consecutive failure up to 1 m, at most the interval. A run that rejects with its signal's reason
 * because it was stopped does not count: another replica runs it at once. If a process dies during a run, another repeats the run
 * when the lease expires.
 *
 * When the lease is lost, because the store could not be reached in time or the process was suspended, the run's signal aborts with
 * a LeaseLostError, and the process does not request that name for one lease. `currentFence()` is the run's fencing token.
 *
 * @param leases a PostgresLeaseStore; for a single process, a MemoryLeaseStore
 * @param name identifies the work across all processes; one name space with `distributedCron` and `singleton`
 * @throws InvalidArgumentError, InvalidDurationError at the call
 *
 * @example
 * distributedRepeat(leases, 'invoices', '1d', async (signal) => sendInvoices(signal))
 */
export function distributedRepeat(
  leases: LeaseStore,
  name: string,
  every: Duration,
  job: Job | JobFunc,
  options: LeaseOptions = {},
): Worker {
  const what = 'distributedRepeat'
  const leaseMs = checkLease(what, leases, name, options)
  refusePattern(what, every, 'distributedCron(leases, name, pattern, job)')
  const everyMs = toStorableIntervalMs(every, what)
  checkJob(job, what)
  return leasedWorker({
    kind: 'repeat',
    leases,
    name,
    leaseMs,
    newPlan: () => new RepeatPlan(everyMs),
    run: (signal) => callJob(job, signal),
  })
}
