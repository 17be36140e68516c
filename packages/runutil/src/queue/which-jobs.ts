import { unexpected } from '../core/errors.ts'
import { storedId } from './job-input.ts'
import { type JobQuery, isEmptyQuery } from './job-query.ts'
import type { JobStatus } from './job.ts'
import type { ObservedJobStore } from './observed-job-store.ts'
import { parseQuery } from './parse-query.ts'

/** Which jobs a call concerns: the one with this id, those with these ids, or all that a query finds, which has to ask for something. */
export type WhichJobs = string | readonly string[] | JobQuery

/** A job that a call concerns; of one given by its id, nothing else is known. */
export interface ChosenJob {
  readonly id: string
  readonly kind?: string | undefined
  readonly status?: JobStatus | undefined
}

/** Jobs per page of a query. */
const PAGE = 500

/**
 * Calls `act` with the jobs, each once.
 *
 * @returns the sum of what it gives
 * @throws InvalidArgumentError
 */
export async function chooseJobs(
  store: ObservedJobStore,
  which: WhichJobs,
  what: string,
  act: (jobs: readonly ChosenJob[]) => Promise<number>,
): Promise<number> {
  const given: unknown = typeof which === 'string' ? [which] : which
  if (!Array.isArray(given)) return actOnPages(store, which as JobQuery, what, act)
  for (const [at, id] of (given as unknown[]).entries()) {
    if (typeof id !== 'string') throw unexpected(`${what}: which[${at}]`, 'an id', id)
  }
  const ids = new Set((given as string[]).map(storedId).filter((id) => id !== undefined))
  return ids.size === 0 ? 0 : act(Array.from(ids, (id) => ({ id })))
}

/**
 * A job that is changed moves to a place that the pages have passed, or keeps its own; so does a new one. So each page is read as it
 * is needed, and still none is seen twice.
 */
async function actOnPages(
  store: ObservedJobStore,
  which: JobQuery,
  what: string,
  act: (jobs: readonly ChosenJob[]) => Promise<number>,
): Promise<number> {
  const query = parseQuery(which, what)
  if (isEmptyQuery(query)) {
    const hint = '; for all jobs, give a range such as { createdAt: { gte: new Date(0) } }'
    throw unexpected(`${what}: which`, 'an id, ids or a query that asks for something', which, hint)
  }
  let sum = 0
  let page = await store.listSummaries(query, { limit: PAGE, after: undefined })
  for (;;) {
    const { jobs, next } = page
    const acting = jobs.length === 0 ? 0 : act(jobs)
    if (next === undefined) return sum + (await acting)
    const reading = store.listSummaries(query, { limit: PAGE, after: next })
    const [count, following] = await Promise.all([acting, reading])
    sum += count
    page = following
  }
}
