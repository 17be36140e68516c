// Durable jobs: run at or after a time, at least once, by handlers on any number of machines.
export type { AwaitResultOptions } from './await-result.ts'
export type { ClaimOptions } from './claim-options.ts'
export type { CodecJob, JobCodec } from './codec.ts'
export { type JobDefinition, type JobDefinitionInput, defineJob } from './define-job.ts'
export type { DependencyResult, JobDependencies } from './dependencies.ts'
export type { DequeueFn } from './dequeue.ts'
export {
  DeadlineExceededError,
  ErrInvalidJob,
  ErrJobExists,
  ErrKindExists,
  ErrUnknownKind,
  JobFailedError,
  JobNotFoundError,
  ResultTimeoutError,
  RetryableError,
} from './errors.ts'
export type {
  AfterInput,
  AfterOptions,
  AttemptError,
  ClaimedJob,
  EnqueueOptions,
  Enqueued,
  JobInput,
  JobStatus,
  JobSummary,
  LeasedJob,
  OnExists,
  QueuedJob,
  UniqueKey,
} from './job.ts'
export type { RescheduleChange, RetryChange } from './job-change.ts'
export type { JobEvent } from './job-event.ts'
export type { JobPage, ListedJobs } from './job-listing.ts'
export type { JobQuery, ParsedQuery, QueryStatus } from './job-query.ts'
export type { CancelOptions, JobChange, JobRetry, RetriedJob } from './job-operations.ts'
export { JobQueue, type JobQueueOptions } from './job-queue.ts'
export type {
  Held,
  InTransaction,
  InsertOptions,
  JobCounts,
  JobStore,
  JobStoreFacts,
  ListPage,
  NewJob,
  SettledAndClaimed,
  StoredPage,
} from './job-store.ts'
export type { KindMinute } from './job-minutes.ts'
export type { JobHandler, KindOptions } from './kind.ts'
export type { KindLimits, ResolvedLimits } from './limits.ts'
export type { KindRules, OtherRules } from './kind-rules.ts'
export type { AttemptOutcome, DurationTotals, KindTotals } from './kind-tally.ts'
export type { CombinedLimits, KindStats, MinuteStats, Percentiles } from './kind-stats.ts'
export { MemoryJobStore, type MemoryJobStoreOptions } from './memory-job-store.ts'
export type { Outcome, Settlement } from './outcome.ts'
export type { JobMiddleware } from './middleware.ts'
export type { OnReady } from './ready-listeners.ts'
export type { RetryIf, RetryOptions } from './retry-policy.ts'
export type { QueryRange, TimeRange } from './query-range.ts'
export { QueueWorker } from './queue-worker.ts'
export type { ResolvedRetention, Retention } from './retention.ts'
export type { WhichJobs } from './which-jobs.ts'
export type { QueueWorkerOptions } from './worker-settings.ts'
export type {
  DrizzleLike,
  KnexLike,
  KyselyLike,
  PostgresJsLike,
  Queryable,
  RowsLike,
  SequelizeLike,
  TransactionHandle,
} from '../core/queryable.ts'
export { ErrLostLease } from '../core/err-lost-lease.ts'
export { StoreUnavailableError } from '../core/store-unavailable-error.ts'
