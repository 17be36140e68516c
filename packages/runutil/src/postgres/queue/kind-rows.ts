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

export function toKindStats(row: KindRow): KindStats {
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
  const known = listOf<[number, number, number, number]>(row[13])
  return lastMinutes(
    row[12],
    known.map(([minute, done, failed, retried]) => ({ minute, done, failed, retried })),
  )
}

function toHistograms(literals: string | null): HistogramCounts[] {
  return listOf<number[]>(literals && `{${literals}}`).map(([first, ...counts]) => ({
    first: first!,
    counts,
  }))
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
