export type { JobStoreCases, JobStoreContext } from './job-store-case.ts'
export { jobStoreConformance } from './job-store-conformance.ts'
export { Probe, ProbeTimeoutError } from './probe.ts'
export { VirtualClock, type VirtualClockOptions } from './virtual-clock.ts'
