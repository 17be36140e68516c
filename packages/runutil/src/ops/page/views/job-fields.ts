import type { Fields } from '../router.ts'

/** The filters of jobs that are in the address as the API takes them. */
const PLAIN = ['kind', 'status', 'key', 'idPrefix', 'error.contains'] as const

/** All filters of jobs. `within` is how far back, in the words of `WITHIN`. */
export const JOB_FILTERS = [...PLAIN, 'within'] as const

export const STATUSES = ['WAITING', 'BLOCKED', 'RUNNING', 'PENDING', 'DONE', 'FAILED', 'PANIC'] as const

/** How far back, with its text, in ms. */
export const WITHIN = {
  '5m': ['5 minutes', 300_000],
  '1h': ['1 hour', 3_600_000],
  '1d': ['1 day', 86_400_000],
  '7d': ['7 days', 604_800_000],
} as const

const ENDED = ['DONE', 'FAILED', 'PANIC']
const MINUTE_MS = 60_000

/** The query of the API for filters in the address: of jobs that have ended, the time is that of their end. */
export function jobQueryOf(fields: Fields, now: number): Fields {
  const query: Record<string, string> = {}
  for (const name of PLAIN) if (fields[name]) query[name] = fields[name]
  const { status = '' } = query
  // The store looks for DONE jobs within a time only.
  const within = fields['within'] ?? (status === 'DONE' ? '1h' : '')
  if (!Object.hasOwn(WITHIN, within)) return query
  const [, ms] = WITHIN[within as keyof typeof WITHIN]
  // Of a whole minute, so that it is the same query for a while.
  const since = Math.floor((now - ms) / MINUTE_MS) * MINUTE_MS
  query[ENDED.includes(status) ? 'endedAt.gte' : 'createdAt.gte'] = new Date(since).toISOString()
  return query
}

/** What a query asks for, in words. */
export function wordsOf(query: Fields): string {
  return Object.entries(query)
    .map(([name, value]) => `${NAMES[name] ?? name} ${value}`)
    .join(', ')
}

const NAMES: Readonly<Record<string, string>> = {
  kind: 'of kind',
  status: 'in status',
  key: 'with key',
  idPrefix: 'whose id begins with',
  'error.contains': 'whose last error contains',
  'endedAt.gte': 'that ended since',
  'createdAt.gte': 'enqueued since',
}
