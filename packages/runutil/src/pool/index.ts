export { ProcessPool } from './pool.ts'
export type { PoolStats } from './pool-stats.ts'
export { WorkerProcess } from './worker/worker-process.ts'
export type { ProcessPoolOptions } from './options.ts'
export type { PoolEvents } from './pool-events.ts'
export type { CallHandlers } from './typed-calls.ts'
export type { ExecOptions } from './worker/exec-options.ts'
export type { Payload } from './relay/payload.ts'
export type { ProtocolName } from './relay/protocol.ts'
export type { SpawnSpec } from './worker/spawn.ts'
export type { WorkerExit } from './worker/worker-end.ts'
export type { WorkerState } from './worker/worker-state.ts'
export {
  AllocateTimeoutError,
  EmptyPayloadError,
  HandshakeError,
  JobError,
  PayloadTooLargeError,
  PoolDestroyedError,
  QueueFullError,
  SpawnError,
  TaskTimeoutError,
  UnsupportedPlatformError,
  WorkerError,
  WorkerStateError,
} from './errors.ts'
export { CorruptFrameError, OversizedFrameError } from './relay/frame.ts'
