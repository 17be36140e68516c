import { createHash } from 'node:crypto'
import { InvalidArgumentError, unexpected } from '../core/errors.ts'
import { checkOptions } from '../core/options.ts'
import { wholeNumber } from '../core/whole-number.ts'
import { decodeJobs } from './codec.ts'
import type { ListPage } from './job-store.ts'
import type { JobSummary, QueuedJob } from './job.ts'
import type { JobQuery, ParsedQuery } from './job-query.ts'
import type { ObservedJobStore } from './observed-job-store.ts'
import { parseQuery } from './parse-query.ts'

/** Which jobs of a list. */
export interface JobPage {
  /** The most jobs, up to 1,000. Default 50. */
  readonly limit?: number | undefined
  /** The `next` of the page before. */
  readonly after?: string | undefined
}

/** A page of a list. */
export interface ListedJobs<J extends JobSummary = QueuedJob> {
  /** At most `limit`; fewer, or none, also while there is a `next`. */
  readonly jobs: J[]
  /** For the next page, with the same query; undefined when there is none. */
  readonly next?: string
}

const DEFAULT_LIMIT = 50
const MAX_LIMIT = 1_000

/** As `JobQueue.list`. */
export async function listedJobs(
  store: ObservedJobStore,
  given: JobQuery,
  page: JobPage,
): Promise<ListedJobs> {
  const query = parseQuery(given, 'list')
  const { jobs, next } = await store.list(query, resolvePage(page, query, 'list'))
  const { codec } = store
  return listOf(codec === undefined ? jobs : await decodeJobs(jobs, codec), next, query)
}

/** As `JobQueue.listSummaries`. */
export async function listedSummaries(
  store: ObservedJobStore,
  given: JobQuery,
  page: JobPage,
): Promise<ListedJobs<JobSummary>> {
  const query = parseQuery(given, 'listSummaries')
  const { jobs, next } = await store.listSummaries(query, resolvePage(page, query, 'listSummaries'))
  return listOf(jobs, next, query)
}

function listOf<J extends JobSummary>(
  jobs: J[],
  next: string | undefined,
  query: ParsedQuery,
): ListedJobs<J> {
  return next === undefined ? { jobs } : { jobs, next: cursorOf(next, query) }
}

/** @throws InvalidArgumentError, also for a cursor that is of another query */
function resolvePage(page: JobPage, query: ParsedQuery, what: string): ListPage {
  const { limit = DEFAULT_LIMIT, after } = checkOptions(what, page, ['limit', 'after'])
  return {
    limit: wholeNumber(limit, `${what}: limit`, { min: 1, max: MAX_LIMIT }),
    after: after === undefined ? undefined : positionOf(after, query, what),
  }
}

/** A cursor: opaque to users, and only for this query. @param position where the page ends, in the store's words */
function cursorOf(position: string, query: ParsedQuery): string {
  return Buffer.from(JSON.stringify([position, signature(position, query)])).toString('base64url')
}

function positionOf(cursor: string, query: ParsedQuery, what: string): string {
  const [position, signed] = partsOf(cursor)
  if (typeof position !== 'string' || typeof signed !== 'string') {
    throw unexpected(`${what}: after`, `the 'next' of another page`, cursor)
  }
  if (signed === signature(position, query)) return position
  throw new InvalidArgumentError(
    `${what}: after: expected the 'next' of a page of the same query; got that of another; start again without after`,
  )
}

function partsOf(cursor: unknown): readonly unknown[] {
  try {
    const parts: unknown = JSON.parse(Buffer.from(cursor as string, 'base64url').toString())
    return Array.isArray(parts) ? parts : []
  } catch {
    return []
  }
}

/** Of the position too, so that no store gets one that it didn't give out. */
function signature(position: string, query: ParsedQuery): string {
  return createHash('sha256')
    .update(JSON.stringify([position, query]))
    .digest('base64url')
    .slice(0, 12)
}
