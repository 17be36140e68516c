import { inNewScope } from './async-scope.ts'
import type { Backoff } from './backoff.ts'
import { unexpected } from './errors.ts'
import { has, isPlainFunction } from './has.ts'

/** Runs until the signal aborts. Returning earlier is an error for the group it runs in. */
export interface Worker {
  run(signal: AbortSignal): Promise<void>
}

export type WorkerFunc = (signal: AbortSignal) => Promise<void> | void

/** A worker described instead of composed: health, name and retry are put around it in that order. */
export interface DeclarativeWorker {
  /** What logs, health and errors call it, below the names of what it runs in: '/Type/Name'. */
  name: string
  worker: Worker | WorkerFunc
  /** How to wait before a restart. Without it, the first exit stops the group. */
  retry?: Backoff
}

/** Wherever a worker is taken. */
export type Runnable = Worker | WorkerFunc | DeclarativeWorker

/** What a class decorated with `@Worker()` implements. */
export interface WorkerConfigurer {
  workers(): Iterable<Runnable>
}

/**
 * Calls a worker so that a synchronous throw is a rejection too, and whatever it returns is a promise that settles once. The
 * stores that it enters are its own.
 */
export async function callWorker(worker: Worker | WorkerFunc, signal: AbortSignal): Promise<void> {
  await inNewScope(() => (typeof worker === 'function' ? worker(signal) : worker.run(signal)))
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
