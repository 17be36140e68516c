// The root entry point: the supervised runtime. Each of the other modules has an entry point of its own.
export {
  type Backoff,
  ExponentialBackoff,
  StaticBackoff,
  backoff,
  type ExponentialBackoffOptions,
} from './core/backoff.ts'
export type { Clock, Timer } from './core/clock.ts'
export { systemClock } from './core/clock-system.ts'
export { currentLogger, currentName } from './core/context.ts'
export type { Duration } from './core/duration.ts'
export { InvalidArgumentError, InvalidDurationError } from './core/errors.ts'
export { errorIs } from './core/causes.ts'
export {
  DuplicateNameError,
  ErrWorkerExitedPrematurely,
  ShutdownRequestedError,
  ShutdownTimeoutError,
  SiblingExitedError,
  WorkerGroupError,
  WorkerResolutionError,
} from './runtime/errors.ts'
export type { Job, JobFunc } from './core/job.ts'
export { RunTimeoutError, currentRun } from './core/run.ts'
export type { Progress } from './core/progress.ts'
export { reportProgress } from './core/report-progress.ts'
export { wait } from './core/wait.ts'
export { workerReady } from './core/worker-ready.ts'
export type { DeclarativeWorker, Runnable, WorkerConfigurer, WorkerFunc } from './core/worker.ts'
export { type HealthState, healthCheckpoint, healthSnapshot } from './core/health.ts'
export { namedWorker, namedWorkerFromType } from './runtime/names.ts'
export { LOGGER, type RunProvidedOptions, runProvidedWorkers } from './runtime/provide.ts'
export { type ProvideOptions, provideWorker } from './runtime/provided.ts'
export { type RepeatOptions, repeat } from './runtime/repeat.ts'
export { retry, retryJob } from './runtime/retry.ts'
export { RestartLimitError, StartTimeoutError, WorkerHungError } from './runtime/restart-errors.ts'
export type { Intensity } from './runtime/restart-window.ts'
export { NoSuchWorkerError, NotPausableError } from './runtime/control-errors.ts'
export { RUNTIME, Runtime, currentRuntime } from './runtime/runtime.ts'
export type { RuntimeEvent } from './runtime/runtime-event.ts'
export type { WorkerNode } from './runtime/worker-node.ts'
export type { WorkerState } from './core/worker-state.ts'
export { runAllJobs } from './runtime/run-all-jobs.ts'
export { runAllWorkers } from './runtime/run-all.ts'
export { type SuperviseOptions, supervise } from './runtime/supervise.ts'
export type { RunOptions } from './runtime/run-options.ts'
export { type ShutdownSignalOptions, shutdownSignal } from './runtime/shutdown-signal.ts'
export type { Token } from './runtime/tokens.ts'
export { UncaughtError } from './runtime/uncaught.ts'
export { Worker, type WorkerOptions } from './runtime/worker-decorator.ts'
