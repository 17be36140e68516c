import { type Worker, type WorkerFunc, callWorker, checkWorker } from '../core/worker.ts'
import type { LeaseStore } from './lease-store.ts'
import { type LeaseOptions, checkLease, leasedWorker } from './leased-worker.ts'
import { OncePlan } from './lease-plan.ts'

/**
 * Runs the worker in one process at a time, among all that share the leases; the others stand by.
 *
 * If the process dies, another takes over within the lease and 2 s; if it stops cleanly, within 2 s after its worker has ended.
 * When the lease is lost, because the store could not be reached in time or the process was suspended, the worker's signal aborts
 * with a LeaseLostError. After it has ended, this process does not ask for the name for one lease, so that a replica that cannot
 * renew does not keep others from it; then it stands by again. `currentFence()` is the fencing token of this acquisition. A worker
 * that ends by itself ends the singleton in the same way.
 *
 * @param leases a PostgresLeaseStore; for a single process, a MemoryLeaseStore
 * @param name identifies the work across all processes; one name space with `distributedRepeat` and `distributedCron`
 * @throws InvalidArgumentError, InvalidDurationError at the call
 *
 * @example
 * singleton(leases, 'importer', new Importer(), { lease: '10s' })
 */
export function singleton(
  leases: LeaseStore,
  name: string,
  worker: Worker | WorkerFunc,
  options: LeaseOptions = {},
): Worker {
  const leaseMs = checkLease('singleton', leases, name, options)
  checkWorker(worker, 'singleton')
  return leasedWorker({
    kind: 'singleton',
    leases,
    name,
    leaseMs,
    newPlan: () => new OncePlan(),
    run: (signal) => callWorker(worker, signal),
  })
}
