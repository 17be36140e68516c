import { inNewScope } from './async-scope.ts'
import type { Backoff } from './backoff.ts'
import type { Duration } from './duration.ts'
import { unexpected } from './errors.ts'
import { has, isPlainFunction } from './has.ts'

/** Runs until the signal aborts. Returning earlier is an error in the group that runs it. */
export interface Worker {
  run(signal: AbortSignal): Promise<void>
}

/** Work that goes on until its signal aborts. Returning earlier is an error. */
export type WorkerFunc = (signal: AbortSignal) => Promise<void> | void

/** A worker described by its settings instead of by wrappers: it is wrapped in health, name and retry, in that order. */
export interface DeclarativeWorker {
  /** Its name in logs, health and errors, beneath the names of the groups around it: '/Type/Name'. */
  name: string
  /** What runs: an object with `run(signal)`, or a function of the signal; not a class. */
  worker: Worker | WorkerFunc
  /** The delays before restarts. Without it, and without a default of the supervisor, the first failure stops the group. */
  retry?: Backoff | undefined
  /**
   * Which exits are failures. 'permanent': returning and throwing. 'transient': only throwing; a worker that returns is done.
   * 'temporary': never restarted, and the others continue if it throws. Default 'permanent'.
   */
  restart?: 'permanent' | 'transient' | 'temporary' | undefined
  /** Called with a thrown error. If it returns false or throws, the failure ends the group. Default: restart after any error. */
  retryIf?: ((error: unknown) => boolean) | undefined
  /** How many restarts are allowed within how long; at the next failure it ends with a RestartLimitError. Default: any number. */
  intensity?: { restarts: number; within: Duration } | undefined
  /** Names of siblings: this worker starts when they are ready, and is stopped before they are. */
  after?: string | readonly string[] | undefined
  /** How long it may take to be ready. Default 1 m if it is permanent and another worker starts after it, else no limit. */
  startTimeout?: Duration | undefined
  /** Its share of the grace period. In a restart, how long it may take to end; the default then is grace, else 30 s. */
  stopTimeout?: Duration | undefined
  /**
   * The longest time between two signs of life, once the worker is ready: `workerReady`, `healthCheckpoint`, the begin and end of
   * a run; for a QueueWorker a claim or a settled job, for a ProcessPool an answered task, for a CoordinateWorker a request, a
   * renewal or the end of an attempt, for a Manager a task taken. It must be longer than a job or task takes. An idle worker may
   * be silent: between two runs, between two polls, without a task, paused; so may `httpServer`. Default: no limit.
   */
  watchdog?: Duration | undefined
}

/** Any form of a worker, as accepted by every function that takes workers. */
export type Runnable = Worker | WorkerFunc | DeclarativeWorker

/** Implemented by a class decorated with `@Worker()`. */
export interface WorkerConfigurer {
  /** Called once for a run, after the class was constructed and before any worker of the run starts. */
  workers(): Iterable<Runnable>
}

/**
 * Calls a worker so that a synchronous throw becomes a rejection, and the result is a promise that settles once. AsyncLocalStorage
 * stores that the worker enters end with it.
 */
export function callWorker(worker: Worker | WorkerFunc, signal: AbortSignal): Promise<void> {
  try {
    // Not an async function: it would cost each idle worker 250 bytes, and there may be 100,000.
    return Promise.resolve(
      inNewScope(() => (typeof worker === 'function' ? worker(signal) : worker.run(signal))),
    )
  } catch (error) {
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- whatever was thrown
    return Promise.reject(error)
  }
}

/** @throws InvalidArgumentError when `worker` is neither a function nor has a `run` method */
export function checkWorker(worker: unknown, what: string): asserts worker is Worker | WorkerFunc {
  if (isWorker(worker)) return
  const hint = has(worker, 'runOnce')
    ? '; this is a job: wrap it in repeat(every, job)'
    : has(worker, 'workers')
      ? '; pass what its workers() returns'
      : ''
  throw unexpected(what, 'a function (signal) => Promise or an object with run(signal)', worker, hint)
}

export function isWorker(value: unknown): value is Worker | WorkerFunc {
  return isPlainFunction(value) || has(value, 'run')
}
