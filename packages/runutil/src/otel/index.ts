// What a program does, for OpenTelemetry: spans of jobs and runs, and metrics.
export { MissingPeerError } from '../core/missing-peer-error.ts'
export { instrument } from './instrument.ts'
export type { InstrumentOptions } from './instrument-options.ts'
