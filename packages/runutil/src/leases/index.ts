// Once across replicas: a job or a worker that one process at a time runs, under a lease.
export { type LeaseOptions } from './leased-worker.ts'
export { LeaseLostError } from './errors.ts'
export { currentFence } from './fence.ts'
export type {
  KnownSchedule,
  LeaseAnswer,
  LeaseSchedule,
  LeaseStore,
  LeaseTerms,
  LeaseUse,
  ListedLease,
} from './lease-store.ts'
export { MemoryLeaseStore } from './memory-lease-store.ts'
export { distributedCron } from './distributed-cron.ts'
export { distributedRepeat } from './distributed-repeat.ts'
export { singleton } from './singleton.ts'
