import { InvalidArgumentError, unexpected } from '../core/errors.ts'
import { checkOptions, checkText, nearest } from '../core/options.ts'
import { ErrInvalidJob } from './errors.ts'
import { normaliseKind } from './job-input.ts'
import { type JobQuery, type ParsedQuery, QUERY_FIELDS, type QueryStatus } from './job-query.ts'
import { END_STATUSES } from './outcome.ts'
import { resolveRange } from './query-range.ts'

const STATUSES: readonly QueryStatus[] = ['PENDING', ...END_STATUSES, 'WAITING', 'BLOCKED', 'RUNNING']

/**
 * Checks a query. An empty one is allowed: see `isEmptyQuery`.
 *
 * @param what the call that takes the query, with which errors begin
 * @throws InvalidArgumentError
 */
export function parseQuery(query: JobQuery, what: string): ParsedQuery {
  const { kind, status, key, idPrefix, createdAt, runAt, endedAt, error } = checkOptions(
    what,
    query,
    QUERY_FIELDS,
  )
  const parsed: ParsedQuery = {
    kind: kind === undefined ? undefined : kindOf(kind, `${what}: kind`),
    status: status === undefined ? undefined : statusOf(status, `${what}: status`),
    key: key === undefined ? undefined : textOf(key, `${what}: key`).trim(),
    idPrefix: idPrefix === undefined ? undefined : textOf(idPrefix, `${what}: idPrefix`).trimStart(),
    createdAt: resolveRange(createdAt, `${what}: createdAt`),
    runAt: resolveRange(runAt, `${what}: runAt`),
    endedAt: resolveRange(endedAt, `${what}: endedAt`),
    error: error === undefined ? undefined : errorTextOf(error, `${what}: error`),
  }
  checkBounded(parsed, what)
  return parsed
}

/** There is no index on what is done, nor on errors: without these, a query would read the whole table. */
function checkBounded({ status, kind, createdAt, runAt, endedAt, error }: ParsedQuery, what: string): void {
  if (status === 'DONE' && endedAt === undefined) {
    throw new InvalidArgumentError(
      `${what}: status 'DONE' needs a range of ends; add endedAt, such as { gte: anHourAgo }`,
    )
  }
  if (error === undefined || (kind ?? createdAt ?? runAt ?? endedAt) !== undefined) return
  throw new InvalidArgumentError(
    `${what}: error needs a kind or a range; add kind, or createdAt, runAt or endedAt, such as { gte: anHourAgo }`,
  )
}

function kindOf(kind: string, what: string): string {
  try {
    return normaliseKind(kind, what)
  } catch (error) {
    if (error instanceof ErrInvalidJob) throw new InvalidArgumentError(error.message)
    throw error
  }
}

function statusOf(status: QueryStatus, what: string): QueryStatus {
  if (STATUSES.includes(status)) return status
  const near = typeof status === 'string' ? nearest(status, STATUSES) : undefined
  throw unexpected(what, `one of ${STATUSES.join(', ')}`, status, near && `; did you mean '${near}'?`)
}

function textOf(text: string, what: string): string {
  checkText(text, what)
  if (text.trim() === '') throw unexpected(what, "a string that isn't empty", text)
  return text
}

function errorTextOf(error: { readonly contains: string }, what: string): string {
  const { contains } = checkOptions(what, error, ['contains'])
  checkText(contains, `${what}.contains`)
  if (contains === '') throw unexpected(`${what}.contains`, "a string that isn't empty", contains)
  return contains
}
