import { type Worker, type WorkerFunc, callWorker, checkWorker } from '../core/worker.ts'
import type { LeaseStore } from './lease-store.ts'
import { type LeaseOptions, checkLease, leasedWorker } from './leased-worker.ts'

/**
 * The worker, in one process at a time of all that share the leases; the others stand by.
 *
 * Another takes over within the lease and 2 s when a process dies, and within 2 s when it stops cleanly, after its worker
 * has ended. When the lease is lost, since the store couldn't be reached in time or the process was frozen, the worker's
 * signal aborts with a LeaseLostError; when it has ended, it leaves the name alone for
 * one lease, so that one that can't renew starves nobody, and stands by again. `currentFence()` is the fencing number of
 * this turn. A worker that ends by itself ends the singleton likewise.
 *
 * @param leases a PostgresLeaseStore; a MemoryLeaseStore where there is one process
 * @param name which workers are the same, over all processes: of `distributedRepeat` and `singleton` together
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
    leases,
    name,
    leaseMs,
    everyMs: undefined,
    run: (signal) => callWorker(worker, signal),
  })
}
