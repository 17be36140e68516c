import { unexpected } from '../../core/errors.ts'
import type { JobQueue } from '../../queue/job-queue.ts'
import type { JobQuery, QueryStatus } from '../../queue/job-query.ts'
import type { QueryRange } from '../../queue/query-range.ts'
import type { JobVerb } from './control.ts'
import { OpsError } from '../ops-error.ts'

/** The most jobs that one call changes. */
export const MOST_JOBS = 100_000
const PAGE = 500
/** A page may be short, or empty, when it has looked at 10,000 jobs. */
const MOST_PAGES = 1_000

const OPEN: readonly QueryStatus[] = ['WAITING', 'BLOCKED', 'RUNNING']
const ENDED: readonly QueryStatus[] = ['FAILED', 'PANIC', 'DONE']

/** What each verb can change. */
const CHANGES: Readonly<Record<JobVerb, readonly QueryStatus[]>> = {
  retry: ['FAILED', 'PANIC'],
  cancel: OPEN,
  delete: ['WAITING', 'BLOCKED', ...ENDED],
}

/** Later than any job. */
const ANY_TIME = new Date(8.64e15)

export interface Matching {
  readonly count: number
  /** The time of the newest of them, by the store's clock; undefined without any. */
  readonly newest: Date | undefined
}

/**
 * The jobs that a query finds and a verb can change, as of a moment, as one query for each status that they may have.
 *
 * The moment is a time of the store's: that of the newest job that was found. So what comes to match later has a later time, however
 * the clocks of processes differ. Known are the times at which a job was enqueued and ended: one that has ended since, or was
 * enqueued since, doesn't match. But one that hasn't ended matches whatever it was then, such as running, or failed and since retried.
 *
 * @param asOf undefined: now
 * @throws InvalidArgumentError for a query that asks for nothing
 */
export function queriesAsOf(query: JobQuery, verb: JobVerb, asOf: Date | undefined): readonly JobQuery[] {
  if (Object.values(query).every((part) => part === undefined)) {
    const hint = '; for all jobs, give a range such as { createdAt: { gte: 1970-01-01T00:00:00Z } }'
    throw unexpected(`${verb}: query`, 'a query that asks for something', query, hint)
  }
  return statusesOf(query, verb).map((status) => {
    const isEnded = ENDED.includes(status)
    const before = earliest(isEnded ? query.endedAt : query.createdAt, asOf ?? ANY_TIME)
    return { ...query, status, [isEnded ? 'endedAt' : 'createdAt']: before }
  })
}

function statusesOf({ status, endedAt }: JobQuery, verb: JobVerb): readonly QueryStatus[] {
  const asked = status === undefined ? [...OPEN, ...ENDED] : status === 'PENDING' ? OPEN : [status]
  const unknown = asked.filter((one) => !OPEN.includes(one) && !ENDED.includes(one))
  // For the queue to refuse.
  if (unknown.length > 0) return unknown
  return CHANGES[verb].filter((one) => asked.includes(one) && (endedAt === undefined || ENDED.includes(one)))
}

function earliest(range: QueryRange | undefined, asOf: Date): QueryRange {
  const lte = range?.lte
  return { ...range, lte: lte !== undefined && lte < asOf ? lte : asOf }
}

/**
 * How many jobs match, read page by page.
 *
 * @param most stops when there are more
 * @throws OpsError 409 for more than 100,000 jobs, or when it would have to look at millions; what the queue throws
 */
export async function countMatching(
  queue: JobQueue,
  queries: readonly JobQuery[],
  most = MOST_JOBS,
): Promise<Matching> {
  let count = 0
  let newest: Date | undefined
  let pages = 0
  for (const query of queries) {
    for (let after: string | undefined, isFirst = true; isFirst || after !== undefined; isFirst = false) {
      const page = await queue.listSummaries(query, { limit: PAGE, after })
      count += page.jobs.length
      for (const { endedAt, createdAt } of page.jobs) {
        const time = endedAt ?? createdAt
        if (newest === undefined || time > newest) newest = time
      }
      if (count > MOST_JOBS || ++pages > MOST_PAGES) throw tooMany()
      if (count > most) return { count, newest }
      after = page.next
    }
  }
  return { count, newest }
}

function tooMany(): OpsError {
  const limit = MOST_JOBS.toLocaleString('en')
  return new OpsError(
    409,
    'too-many',
    `too many jobs to count, more than ${limit}: narrow the query by a kind or a range`,
  )
}
