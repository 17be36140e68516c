export { Probe, ProbeTimeoutError } from './probe.ts'
export { VirtualClock, type VirtualClockOptions } from './virtual-clock.ts'
