import { type Duration, toStorableIntervalMs } from '../core/duration.ts'
import { type Job, type JobFunc, callJob, checkJob } from '../core/job.ts'
import type { Worker } from '../core/worker.ts'
import type { LeaseStore } from './lease-store.ts'
import { type LeaseOptions, checkLease, leasedWorker } from './leased-worker.ts'

/**
 * As `repeat`, but over all processes that share the leases: at most one run in each interval, and never two at once.
 *
 * The interval counts from the start of the last run, also when it was changed since, and the first run is due at once. A
 * run that failed gives its interval back after a delay that all processes share: 1 s, doubled by each that fails in a row
 * up to a minute, at most the interval. A process that dies in a run
 * frees it after the lease: that run is made up for then. When the lease is lost, since the store couldn't be reached in
 * time or the process was frozen, the run's signal aborts with a LeaseLostError. The process then leaves the name
 * alone for one lease. `currentFence()` is the run's fencing number. An error of the job ends the worker with that error. A run that was told to stop and rejects with its signal's
 * reason has not been: another replica makes up for it within the lease. One that
 * returns has.
 *
 * @param leases a PostgresLeaseStore; a MemoryLeaseStore where there is one process
 * @param name which runs are the same, over all processes: of `distributedRepeat` and `singleton` together
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
  const everyMs = toStorableIntervalMs(every, what)
  checkJob(job, what)
  return leasedWorker({ leases, name, leaseMs, everyMs, run: (signal) => callJob(job, signal) })
}
