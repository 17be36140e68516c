import { unexpected } from '../../core/errors.ts'
import type { JobQuery } from '../../queue/job-query.ts'

const TIMES = ['createdAt', 'runAt', 'endedAt']

/**
 * A JobQuery in JSON: its times as ISO 8601; a range as `{ createdAt: { gte } }`, or as in an address, `{ 'createdAt.gte' }`. What
 * its fields may be is for the queue to check.
 *
 * @throws InvalidArgumentError
 */
export function jobQueryIn(value: unknown, what: string): JobQuery {
  if (!isObject(value)) throw unexpected(what, 'a query such as { kind, status }', value)
  const query: Record<string, unknown> = {}
  for (const [name, part] of Object.entries(value)) {
    const [field, bound, ...rest] = name.split('.')
    if (bound === undefined || rest.length > 0) query[name] = part
    else {
      const range = query[field!]
      query[field!] = isObject(range) ? { ...range, [bound]: part } : { [bound]: part }
    }
  }
  for (const name of TIMES) if (isObject(query[name])) query[name] = rangeIn(query[name], `${what}.${name}`)
  return query
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
