export { type Action, type ActionStatus, type Task, equivalentAction } from './action.ts'
export type { ActionRecord, RecordChange } from './action.ts'
export type {
  ActionLedger,
  OperationHint,
  RecordPage,
  RecordPlace,
  SearchHint,
  SeenRecord,
} from './action-ledger.ts'
export type { ActionPage, ListedActions } from './action-listing.ts'
export type { Condition } from './action-condition.ts'
export type { ActionQuery } from './action-query.ts'
export { LockLostError } from '../core/held-lock.ts'
export { Actions, type SearchOptions } from './actions.ts'
export {
  ActionFailedError,
  ErrActionEnded,
  ErrNoSuchAction,
  ErrNoWorker,
  ErrTargetTaken,
  InvalidActionError,
  LedgerCorruptError,
  LedgerFileError,
  LedgerInUseError,
  ManagerNotRunningError,
  ManagerRunningError,
  OwnTargetError,
  RetriesExhaustedError,
  TaskRetryError,
  WorkerLostError,
} from './errors.ts'
export { JsonLinesActionLedger } from './json-lines-action-ledger.ts'
export {
  type LiveWorker,
  LiveWorkers,
  type RegisterOptions,
  type Registration,
  type WorkerLoad,
} from './live-workers.ts'
export type { ManagerOptions } from './manager-options.ts'
export { Manager } from './manager.ts'
export { MemoryActionLedger } from './memory-action-ledger.ts'
export { needsRetry, retryFunction } from './retry-function.ts'
export type { TaskSubmission, TaskSubmission as Dispatched, TaskSubmission as Posted } from './submission.ts'
export type {
  TaskExchange,
  WorkerInfo,
  WorkerRegistration,
  WorkerRegistration as Announcement,
} from './task-exchange.ts'
