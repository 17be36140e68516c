import { isBlocked } from './memory-dependencies.ts'
import type { ListPage, StoredPage } from './job-store.ts'
import { type ParsedQuery, isByEnd } from './job-query.ts'
import type { TimeRange } from './query-range.ts'
import { isFinal } from './outcome.ts'
import type { StoredJob } from './stored-job.ts'

/** A page of the jobs that a query finds. A position is the last job's seq, or when it ended and its id. */
export function listJobs<J>(
  jobs: Iterable<StoredJob>,
  query: ParsedQuery,
  { limit, after }: ListPage,
  toJob: (job: StoredJob) => J,
): StoredPage<J> {
  const order = isByEnd(query) ? BY_END : BY_INSERTION
  const found = Array.from(jobs).filter((job) => matches(job, query))
  found.sort(order.compare)
  const from = after === undefined ? 0 : found.findIndex((job) => order.isAfter(job, after))
  const page = from < 0 ? [] : found.slice(from, from + limit)
  const hasMore = from >= 0 && from + limit < found.length
  return { jobs: page.map(toJob), next: hasMore ? order.positionOf(page.at(-1)!) : undefined }
}

/** Whether a query finds a job. */
export function matches(job: StoredJob, query: ParsedQuery): boolean {
  return (
    (query.kind === undefined || job.kind === query.kind) &&
    (query.key === undefined || job.key === query.key) &&
    (query.idPrefix === undefined || job.id.startsWith(query.idPrefix)) &&
    (query.error === undefined || (job.lastError?.includes(query.error) ?? false)) &&
    hasStatus(job, query) &&
    isWithin(job.createdAt, query.createdAt) &&
    isWithin(job.runAt, query.runAt) &&
    (query.endedAt === undefined || (isFinal(job.status) && isWithin(job.updatedAt, query.endedAt)))
  )
}

function hasStatus(job: StoredJob, { status }: ParsedQuery): boolean {
  switch (status) {
    case undefined:
      return true
    case 'WAITING':
      return job.status === 'PENDING' && job.claim === undefined && !isBlocked(job)
    case 'RUNNING':
      return job.status === 'PENDING' && job.claim !== undefined
    case 'BLOCKED':
      return isBlocked(job)
    case 'PENDING':
    case 'DONE':
    case 'FAILED':
    case 'PANIC':
      return job.status === status
    default:
      return status satisfies never
  }
}

function isWithin(time: number, range: TimeRange | undefined): boolean {
  return range === undefined || (time >= (range.from ?? -Infinity) && time < (range.before ?? Infinity))
}

interface Order {
  readonly compare: (a: StoredJob, b: StoredJob) => number
  readonly positionOf: (job: StoredJob) => string
  readonly isAfter: (job: StoredJob, position: string) => boolean
}

/** The newest first. */
const BY_INSERTION: Order = {
  compare: (a, b) => b.seq - a.seq,
  positionOf: ({ seq }) => String(seq),
  isAfter: ({ seq }, position) => seq < Number(position),
}

/** The last first; of those that ended at one time, by id, the last first. */
const BY_END: Order = {
  compare: (a, b) => b.updatedAt - a.updatedAt || (a.id < b.id ? 1 : -1),
  positionOf: ({ updatedAt, id }) => `${updatedAt}:${id}`,
  isAfter({ updatedAt, id }, position) {
    const [time, ...rest] = position.split(':')
    return updatedAt < Number(time) || (updatedAt === Number(time) && id < rest.join(':'))
  },
}
