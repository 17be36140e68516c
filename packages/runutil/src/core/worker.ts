import { inNewScope } from './async-scope.ts'
import type { Backoff } from './backoff.ts'
import type { Duration } from './duration.ts'
import { unexpected } from './errors.ts'
import { has, isPlainFunction } from './has.ts'

/** Runs until the signal aborts. Returning earlier is an error for the group it runs in. */
export interface Worker {
  run(signal: AbortSignal): Promise<void>
}

export type WorkerFunc = (signal: AbortSignal) => Promise<void> | void

/** A worker described instead of composed: wrapped in health, name and retry, in that order. */
export interface DeclarativeWorker {
  /** Its name in logs, health and errors, beneath the names it runs in: '/Type/Name'. */
  name: string
  worker: Worker | WorkerFunc
  /** The delays before restarts. Without it, and without one of its supervisor, the first failure stops the group. */
  retry?: Backoff | undefined
  /**
   * Which exits are failures. 'permanent': returning and throwing. 'transient': only throwing; after a return it is done.
   * 'temporary': never restarted, and the others continue if it throws. Default 'permanent'.
   */
  restart?: 'permanent' | 'transient' | 'temporary' | undefined
  /** Called with a thrown error. If it returns false or throws, the failure ends the group instead. Default: restart for all. */
  retryIf?: ((error: unknown) => boolean) | undefined
  /** How many restarts are allowed. Default: any number. */
  intensity?: { restarts: number; within: Duration } | undefined
  /** Names of siblings: it starts when they are ready, and stops before they do. */
  after?: string | readonly string[] | undefined
  /** How long it may take to be ready. Default 1 m if it is permanent and another starts after it, else no limit. */
  startTimeout?: Duration | undefined
  /** Its share of the grace period. In a restart, how long it may take to end; default there: grace, else 30 s. */
  stopTimeout?: Duration | undefined
  /**
   * The longest time between two signs of life, once it is ready: `workerReady`, `healthCheckpoint`, begin and end of a run; of a
   * QueueWorker a claim or a settled job, of a ProcessPool an answered task, of a CoordinateWorker a request, a renewal or an end
   * of an attempt, of a Manager a task that was taken. So it has to be longer than a job or task takes. What has nothing to do may
   * be silent: between two runs, between two polls, without a task, paused; so may `httpServer`. Default: none.
   */
  watchdog?: Duration | undefined
}

/** What every function that takes workers accepts. */
export type Runnable = Worker | WorkerFunc | DeclarativeWorker

/** What a class decorated with `@Worker()` implements. */
export interface WorkerConfigurer {
  workers(): Iterable<Runnable>
}

/**
 * Calls a worker so that a synchronous throw is a rejection too, and whatever it returns is a promise that settles once. The
 * AsyncLocalStorage stores that it enters end with it.
 */
export function callWorker(worker: Worker | WorkerFunc, signal: AbortSignal): Promise<void> {
  try {
    // No async function: of 100,000 idle workers, each would keep 250 bytes of it.
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
