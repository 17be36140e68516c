export {
  type ActionLedgerCases,
  type ActionLedgerContext,
  actionLedgerConformance,
} from './action-ledger-cases.ts'
export { type DrainOptions, drain } from './drain.ts'
export { type EnqueuedQuery, enqueued } from './enqueued.ts'
export type { JobOutcome } from './job-outcome.ts'
export { type JobToRun, type RunJobOptions, runJob } from './run-job.ts'
export { type WorkerIsolation, isolateWorkers } from './isolate-workers.ts'
export type { JobStoreCases, JobStoreContext } from './job-store-case.ts'
export { jobStoreConformance } from './job-store-conformance.ts'
export type { LeaseCases, LeaseContext } from './lease-case.ts'
export { leaseConformance } from './lease-cases.ts'
export { Probe, ProbeTimeoutError } from './probe.ts'
export {
  type ReplicaStoreCases,
  type ReplicaStoreContext,
  replicaStoreConformance,
} from './replica-store-cases.ts'
export { type TaskExchangeCases, taskExchangeConformance } from './task-exchange-cases.ts'
export { VirtualClock, type VirtualClockOptions } from './virtual-clock.ts'
export { coordinateConformance } from './coordinate-conformance.ts'
export type { CoordinateCases, CoordinateContext } from './coordinate-case.ts'
