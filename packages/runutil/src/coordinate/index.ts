export { type CoordinateOptions, createCoordinate } from './coordinate.ts'
export { CoordinateWorker } from './coordinate-worker.ts'
export { type CoordinateTask, type CoordinateWorkerOptions } from './worker-settings.ts'
export type { CoordinateStore } from './coordinate-store.ts'
export { MemoryCoordinateStore } from './memory-coordinate-store.ts'
export type {
  Attempt,
  AttemptRequest,
  AttemptStatus,
  Coordinate,
  CoordinateWorkerRecord,
  Namespace,
  NewWorkUnit,
  OpenUnits,
  SummaryRow,
  WorkSpec,
  WorkUnit,
  WorkUnitMeta,
  WorkUnitOverview,
  WorkUnitQuery,
  WorkUnitStatus,
  WorkerUpdate,
} from './model.ts'
export type { Data } from './data.ts'
export type { WorkSpecData, WorkSpecMeta } from './work-spec-meta.ts'
export { ErrLostLease } from '../core/err-lost-lease.ts'
export {
  AttemptsExpiringError,
  ErrBadWorkSpecName,
  ErrChangedName,
  ErrGone,
  ErrNoSuchWorkSpec,
  ErrNoSuchWorkUnit,
  ErrNoWorkSpecName,
  ErrNotPending,
} from './errors.ts'
