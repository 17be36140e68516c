import type { ClaimedJob } from './job.ts'

/**
 * Runs around the handlers of a worker: for logs, timings, a transaction, an AsyncLocalStorage.
 *
 * `next()` runs the next middleware, at last the validation of the payload and the handler, and resolves with its result. What the
 * middleware resolves with is the job's result; what it throws counts as the handler's error. It should await `next()`: otherwise
 * the handler goes on after its job has ended.
 */
export type JobMiddleware = (job: ClaimedJob, next: () => Promise<unknown>) => Promise<unknown>

/** Calls middleware in its order around `handle`. */
export async function throughMiddleware(
  middleware: readonly JobMiddleware[],
  job: ClaimedJob,
  handle: () => Promise<unknown>,
): Promise<unknown> {
  const [first, ...rest] = middleware
  if (first === undefined) return handle()
  return first(job, () => {
    const result = throughMiddleware(rest, job, handle)
    // A middleware that fails instead of awaiting it decides alone.
    result.catch(() => {})
    return result
  })
}
