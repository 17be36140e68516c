import type { JobStatus } from './job.ts'
import { END_STATUSES } from './outcome.ts'
import type { QueryRange, TimeRange } from './query-range.ts'

/**
 * What a query can ask for: a status, or for jobs that are PENDING where they are. WAITING: for their time or for a worker; BLOCKED:
 * for jobs that come before them; RUNNING: claimed by a process. PENDING is all three.
 */
export type QueryStatus = JobStatus | 'WAITING' | 'BLOCKED' | 'RUNNING'

/** Which jobs. All that is given has to hold; what is undefined isn't asked for. */
export interface JobQuery {
  /** In any case: kinds are stored in lower case. */
  readonly kind?: string | undefined
  readonly status?: QueryStatus | undefined
  /** The whole key, not its beginning. */
  readonly key?: string | undefined
  /** How the id begins. */
  readonly idPrefix?: string | undefined
  /** When it was enqueued. */
  readonly createdAt?: QueryRange | undefined
  /** The time before which it, or its next attempt, does not start. */
  readonly runAt?: QueryRange | undefined
  /** Only of jobs that have ended. Required with `status: 'DONE'`. */
  readonly endedAt?: QueryRange | undefined
  /** What `lastError` contains, in the same case. Requires a kind or a range. */
  readonly error?: { readonly contains: string } | undefined
}

/** A query as stores get it: checked, with kind and key as they are stored. Undefined: anything. */
export interface ParsedQuery {
  readonly kind: string | undefined
  readonly status: QueryStatus | undefined
  readonly key: string | undefined
  readonly idPrefix: string | undefined
  readonly createdAt: TimeRange | undefined
  readonly runAt: TimeRange | undefined
  readonly endedAt: TimeRange | undefined
  /** What `lastError` contains. */
  readonly error: string | undefined
}

export const QUERY_FIELDS = [
  'kind',
  'status',
  'key',
  'idPrefix',
  'createdAt',
  'runAt',
  'endedAt',
  'error',
] as const

/** Whether a query asks for nothing, and so finds every job. */
export function isEmptyQuery(query: ParsedQuery): boolean {
  return QUERY_FIELDS.every((field) => query[field] === undefined)
}

/** Whether jobs are listed by their ends; otherwise in the order of their insertion. */
export function isByEnd({ status }: ParsedQuery): boolean {
  return status !== undefined && END_STATUSES.includes(status as JobStatus)
}
