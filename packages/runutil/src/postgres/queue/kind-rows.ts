import type { HistogramCounts } from '../../core/histogram.ts'
import type { KindMinute } from '../../queue/job-minutes.ts'
import { type KindStats, combinedLimits, lastMinutes, percentilesOf } from '../../queue/kind-stats.ts'
import { plainArray, textArray } from '../statements/array-literal.ts'

/** What `kind_stats` returns. Times in ms; lists as array literals. */
export type KindRow = [
  kind: string,
  waiting: number,
  blocked: number,
  due: number,
  running: number,
  failed: number,
  oldestDue: number | null,
  paused: boolean,
  concurrency: number | null,
  keyConcurrency: number | null,
  rateLimits: string | null,
  ratePers: string | null,
  minute: number,
  minutes: string | null,
  handles: string | null,
  waits: string | null,
]

/** Leaves out kinds that have no more than minutes of more than an hour ago. */
export function toStats(rows: readonly KindRow[]): KindStats[] {
  return rows.map(toKindStats).filter(isOfNow)
}

function isOfNow({ waiting, blocked, running, failed, paused, limits, perMinute }: KindStats): boolean {
  if (paused || waiting + blocked + running + failed > 0) return true
  if (limits.rates.length > 0 || 'concurrency' in limits || 'keyConcurrency' in limits) return true
  return perMinute.some((minute) => minute.done + minute.failed + minute.retried > 0)
}

function toKindStats(row: KindRow): KindStats {
  const [kind, waiting, blocked, due, running, failed, oldestDue, paused] = row
  const handleMs = percentilesOf(toHistograms(row[14]))
  const waitMs = percentilesOf(toHistograms(row[15]))
  return {
    kind,
    waiting,
    blocked,
    due,
    running,
    failed,
    ...(oldestDue !== null && { oldestDueAt: new Date(Math.round(oldestDue)) }),
    paused,
    limits: toLimits(row),
    perMinute: toMinutes(row),
    ...(handleMs !== undefined && { handleMs }),
    ...(waitMs !== undefined && { waitMs }),
  }
}

function toLimits(row: KindRow): KindStats['limits'] {
  const perMs = listOf<number>(row[11])
  return combinedLimits({
    concurrency: row[8] ?? Infinity,
    keyConcurrency: row[9] ?? Infinity,
    rates: listOf<number>(row[10]).map((limit, at) => ({ limit, perMs: perMs[at]! })),
  })
}

function toMinutes(row: KindRow): KindStats['perMinute'] {
  const slices = listsOf<[first: number, done: number[], failed: number[], retried: number[]]>(row[13])
  const known = slices.flatMap(([first, done, failed, retried]) =>
    done.map((count, at) => ({
      minute: first + at,
      done: count,
      failed: failed[at]!,
      retried: retried[at]!,
    })),
  )
  return lastMinutes(row[12], known)
}

function toHistograms(literals: string | null): HistogramCounts[] {
  return listsOf<number[]>(literals).map(([first, ...counts]) => ({
    first: first!,
    counts,
  }))
}

/** Several array literals, between which are commas. */
function listsOf<T>(literals: string | null): T[] {
  return listOf<T>(literals && `{${literals}}`)
}

/** An array literal of numbers is JSON, but for its braces. */
function listOf<T>(literal: string | null): T[] {
  if (literal === null) return []
  return JSON.parse(literal.replaceAll('{', '[').replaceAll('}', ']')) as T[]
}

/** Parameters of `add_job_minutes`. */
export function minuteColumns(minutes: readonly KindMinute[]): unknown[] {
  return [
    textArray(minutes.map(({ kind }) => kind)),
    plainArray(minutes.map(({ agoMs }) => agoMs)),
    plainArray(minutes.map(({ done }) => done)),
    plainArray(minutes.map(({ failed }) => failed)),
    plainArray(minutes.map(({ retried }) => retried)),
    textArray(minutes.map(({ handle }) => histogramArray(handle))),
    textArray(minutes.map(({ wait }) => histogramArray(wait))),
  ]
}

function histogramArray({ first, counts }: HistogramCounts): string | undefined {
  return counts.length === 0 ? undefined : plainArray([first, ...counts])
}
