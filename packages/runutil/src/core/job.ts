import { unexpected } from './errors.ts'
import { has, isPlainFunction } from './has.ts'

/** Does one thing once, and ends early when the signal aborts. */
export interface Job {
  /** Resolves when it is done; a rejection means that it has failed. May end early, either way, once the signal has aborted. */
  runOnce(signal: AbortSignal): Promise<void>
}

/** Work that is done once. Its signal aborts when it is to give up. */
export type JobFunc = (signal: AbortSignal) => Promise<void> | void

/** Calls a job. May return no promise, or throw synchronously. */
export function callJob(job: Job | JobFunc, signal: AbortSignal): Promise<void> | void {
  return typeof job === 'function' ? job(signal) : job.runOnce(signal)
}

/** A promise that settles once, whatever the `then` of a job's promise does. */
export function promiseOf(running: Promise<void>): Promise<void> {
  return running instanceof Promise ? running : Promise.resolve(running)
}

/** @throws InvalidArgumentError when `job` is neither a function nor has a `runOnce` method */
export function checkJob(job: unknown, what: string): asserts job is Job | JobFunc {
  if (isPlainFunction(job) || has(job, 'runOnce')) return
  const hint = has(job, 'run') ? '; this is a worker: it needs no repeating' : ''
  throw unexpected(what, 'a function (signal) => Promise or an object with runOnce(signal)', job, hint)
}
