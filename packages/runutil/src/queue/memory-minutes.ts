import { type HistogramCounts, Histogram } from '../core/histogram.ts'
import { BUCKETS, KEPT_MINUTES, type KindMinute, MINUTE_MS, SLICE_MINUTES } from './job-minutes.ts'
import { MINUTES } from './kind-stats.ts'

type Counts = Pick<KindMinute, 'done' | 'failed' | 'retried'>

interface Durations {
  readonly handle: Histogram
  readonly wait: Histogram
}

/** What is known of the last hour of a kind. */
export interface KindHour {
  readonly minutes: readonly (Counts & { readonly minute: number })[]
  readonly handle: readonly HistogramCounts[]
  readonly wait: readonly HistogramCounts[]
}

/** The minutes of all kinds: by the kind, then by the minute or the first minute of a slice, since the epoch. */
export class MemoryMinutes {
  readonly #counts = new Map<string, Map<number, Counts>>()
  readonly #durations = new Map<string, Map<number, Durations>>()

  add(minutes: readonly KindMinute[], now: number): void {
    for (const { kind, agoMs, handle, wait, ...added } of minutes) {
      const minute = Math.floor((now - agoMs) / MINUTE_MS)
      const counts = ofKind(this.#counts, kind)
      counts.set(minute, sum(counts.get(minute), added))
      const durations = ofKind(this.#durations, kind)
      const slice = minute - (minute % SLICE_MINUTES)
      const sums = durations.get(slice) ?? { handle: new Histogram(BUCKETS), wait: new Histogram(BUCKETS) }
      durations.set(slice, sums)
      sums.handle.addCounts(handle)
      sums.wait.addCounts(wait)
    }
  }

  /** The kinds with minutes in the last hour. */
  kinds(current: number): string[] {
    return [...this.#counts.keys()].filter((kind) => this.hour(kind, current).minutes.length > 0)
  }

  /** @param current the current minute, since the epoch */
  hour(kind: string, current: number): KindHour {
    const after = current - MINUTES
    const counts = [...(this.#counts.get(kind) ?? [])].map(([minute, its]) => ({ minute, ...its }))
    const durations = [...(this.#durations.get(kind) ?? [])]
      .filter(([slice]) => slice + SLICE_MINUTES - 1 > after && slice <= current)
      .map(([, its]) => its)
    return {
      minutes: counts.filter(({ minute }) => minute > after && minute <= current),
      handle: durations.map(({ handle }) => handle.counts),
      wait: durations.map(({ wait }) => wait.counts),
    }
  }

  prune(current: number): void {
    for (const byKind of [this.#counts, this.#durations]) {
      for (const [kind, its] of byKind) {
        for (const minute of its.keys()) if (minute <= current - KEPT_MINUTES) its.delete(minute)
        if (its.size === 0) byKind.delete(kind)
      }
    }
  }
}

function ofKind<T>(all: Map<string, Map<number, T>>, kind: string): Map<number, T> {
  const known = all.get(kind) ?? new Map<number, T>()
  all.set(kind, known)
  return known
}

function sum(one: Counts = { done: 0, failed: 0, retried: 0 }, two: Counts): Counts {
  return {
    done: one.done + two.done,
    failed: one.failed + two.failed,
    retried: one.retried + two.retried,
  }
}
