import { shortened } from '../../core/describe.ts'
import { unexpected } from '../../core/errors.ts'
import type { JobQuery } from '../../queue/job-query.ts'
import { setProperty } from './json-value.ts'

const TIMES = ['createdAt', 'runAt', 'endedAt']

/**
 * A JobQuery in JSON: its times as ISO 8601; a range as `{ createdAt: { gte } }`, or as in an address, `{ 'createdAt.gte' }`; a status
 * in any case. What its fields may be is for the queue to check.
 *
 * @throws InvalidArgumentError, also for what is asked for twice: leaving out one of them would find more jobs
 */
export function jobQueryIn(value: unknown, what: string): JobQuery {
  if (!isObject(value)) throw unexpected(what, 'a query such as { kind, status }', value)
  const query: Record<string, unknown> = {}
  for (const [name, part] of Object.entries(value)) {
    const [field, bound, ...rest] = name.split('.')
    if (bound === undefined || rest.length > 0) addPart(query, name, part, what)
    else addPart(query, field!, { [bound]: part }, what)
  }
  for (const name of TIMES) if (isObject(query[name])) query[name] = rangeIn(query[name], `${what}.${name}`)
  if (typeof query['status'] === 'string') query['status'] = query['status'].toUpperCase()
  return query
}

/** A field may come in parts, such as the two ends of a range. */
function addPart(query: Record<string, unknown>, field: string, part: unknown, what: string): void {
  const before = Object.hasOwn(query, field) ? query[field] : undefined
  if (before === undefined) return setProperty(query, field, part)
  if (!isObject(before) || !isObject(part) || Object.keys(part).some((key) => Object.hasOwn(before, key))) {
    throw unexpected(`${what}: ${shortened(field)}`, 'it once', [before, part])
  }
  query[field] = { ...before, ...part }
}

function rangeIn(range: Record<string, unknown>, what: string): object {
  return Object.fromEntries(
    Object.entries(range).map(([bound, time]) => [bound, timeIn(time, `${what}.${bound}`)]),
  )
}

/** @throws InvalidArgumentError */
export function timeIn(time: unknown, what: string): Date {
  const date = new Date(typeof time === 'string' ? time : NaN)
  if (Number.isFinite(date.getTime())) return date
  throw unexpected(what, 'a time such as 2030-01-31T12:00:00.000Z', time)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
