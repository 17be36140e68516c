import { type HistogramCounts, Histogram } from '../core/histogram.ts'
import { BUCKETS, MINUTE_MS } from './job-minutes.ts'
import type { LimitsInForce } from './limits.ts'

/** The most that a count of `stats` gives: it stands for 'more than 10,000'. */
export const MOST_COUNTED = 10_001

/** How many minutes `perMinute` has. */
export const MINUTES = 60

/**
 * The jobs of a kind and what became of them in the last hour, in all processes.
 *
 * A count of more than 10,000 is given as 10,001.
 */
export interface KindStats {
  readonly kind: string
  /** Jobs that no claim holds, due or not, also those that wait for another attempt; without `blocked`. */
  readonly waiting: number
  /** Jobs that wait for other jobs to end. */
  readonly blocked: number
  /** Those of `waiting` whose time has come. */
  readonly due: number
  /** Jobs that are claimed: most of them run, a few wait in their process. */
  readonly running: number
  /** Jobs that ended FAILED or PANIC and are still stored. */
  readonly failed: number
  /** The `runAt` of the job that has been due for longest; undefined when none is due. */
  readonly oldestDueAt?: Date
  /** Whether an operator has paused the kind. */
  readonly paused: boolean
  /** What holds now, from all processes that have the kind. */
  readonly limits: CombinedLimits
  /** 60 minutes by the store's clock, oldest first; the last one isn't over. */
  readonly perMinute: readonly MinuteStats[]
  /** How long handlers took, in ms; undefined when none has ended. */
  readonly handleMs?: Percentiles
  /** How long jobs waited from their `runAt` to the start of their handlers, in ms; undefined when none was started. */
  readonly waitMs?: Percentiles
}

/** The limits of all live workers together: the least of each, and every rate. */
export interface CombinedLimits {
  /** Undefined: no limit, as for `keyConcurrency`. */
  readonly concurrency?: number
  readonly keyConcurrency?: number
  /** Starts per `perMs` milliseconds. */
  readonly rates: readonly { readonly limit: number; readonly perMs: number }[]
}

/**
 * Attempts that ended in a minute. A process adds its attempts a few seconds after the minute has ended, and when its worker stops:
 * until then they count 0.
 */
export interface MinuteStats {
  /** When the minute began. */
  readonly at: Date
  readonly done: number
  /** FAILED or PANIC. */
  readonly failed: number
  /** Failed, and to be tried again. */
  readonly retried: number
}

/** In ms, of the durations of the last hour and up to ten minutes before, with an error of up to 2.2 %. */
export interface Percentiles {
  readonly p50: number
  readonly p95: number
  readonly p99: number
}

export function combinedLimits({ concurrency, keyConcurrency, rates }: LimitsInForce): CombinedLimits {
  const byPeriod = new Map<number, number>()
  for (const { limit, perMs } of rates) {
    byPeriod.set(perMs, Math.min(limit, byPeriod.get(perMs) ?? Infinity))
  }
  return {
    ...(concurrency < Infinity && { concurrency }),
    ...(keyConcurrency < Infinity && { keyConcurrency }),
    rates: [...byPeriod].sort(([a], [b]) => a - b).map(([perMs, limit]) => ({ limit, perMs })),
  }
}

/** @param last the current minute, since the epoch @param known in any order; others are zero */
export function lastMinutes(
  last: number,
  known: readonly (Omit<MinuteStats, 'at'> & { readonly minute: number })[],
): MinuteStats[] {
  const first = last - MINUTES + 1
  const minutes = Array.from({ length: MINUTES }, (_, at): MinuteStats => {
    return { at: new Date((first + at) * MINUTE_MS), done: 0, failed: 0, retried: 0 }
  })
  for (const { minute, done, failed, retried } of known) {
    const its = minutes[minute - first]
    if (its !== undefined) minutes[minute - first] = { at: its.at, done, failed, retried }
  }
  return minutes
}

/** Undefined without durations. */
export function percentilesOf(all: readonly HistogramCounts[]): Percentiles | undefined {
  const sum = new Histogram(BUCKETS)
  for (const counts of all) sum.addCounts(counts)
  if (sum.total === 0) return undefined
  return { p50: sum.percentile(0.5), p95: sum.percentile(0.95), p99: sum.percentile(0.99) }
}
