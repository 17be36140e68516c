import { systemClock } from '../../core/clock-system.ts'
import type { LeasedJob } from '../../queue/job.ts'
import { SLOW_MS } from '../schema/1-queue/settling-and-claiming.ts'
import { plainArray, textArray } from '../statements/array-literal.ts'

/** A full scan that takes longer than SLOW_MS, and than its jobs explain, has passed dead rows that VACUUM can't remove. */
const MS_A_JOB = 0.05
/** The share of the time that slow full scans may take. */
const SHARE = 0.1
/** Jobs may become visible out of order, mostly by less than this. */
const SLACK_MS = 1_000
/** Priorities with marks per kind; beyond that, claims scan from the first of the other priorities. */
const MOST_PRIORITIES = 8

export type MarkColumns = readonly [kinds: string | null, priorities: string | null, times: string | null]

export const NO_MARKS: MarkColumns = [null, null, null]

/**
 * Where a claim starts to scan the waiting jobs.
 *
 * Normally at the beginning. But while a transaction stays open, VACUUM cannot remove the rows claimed since it began, and
 * every claim scans past them. Then claims resume where the last one stopped, for each kind and priority, and rescan
 * everything when jobs were released and occasionally, for jobs whose insert committed late or that weren't notified of.
 */
export class ScanMarks {
  /** By kind and priority, in ms since the epoch. */
  readonly #times = new Map<string, Map<number, number>>()
  #rescanAllFrom = -Infinity

  /** Parameters of `claim_jobs`: null for a full scan. */
  columns(kinds: readonly string[]): MarkColumns {
    if (systemClock.elapsed() >= this.#rescanAllFrom) return NO_MARKS
    const marks = kinds.flatMap((kind) =>
      [...(this.#times.get(kind) ?? [])].map((mark) => [kind, ...mark] as const),
    )
    if (marks.length === 0) return NO_MARKS
    return [
      textArray(marks.map(([kind]) => kind)),
      plainArray(marks.map(([, priority]) => priority)),
      plainArray(marks.map(([, , time]) => time)),
    ]
  }

  /** @param tookMs how long the claim with these columns took */
  claimed(jobs: readonly LeasedJob[], columns: MarkColumns, tookMs: number): void {
    if (columns === NO_MARKS && tookMs <= SLOW_MS + jobs.length * MS_A_JOB) {
      this.#times.clear()
      this.#rescanAllFrom = -Infinity
      return
    }
    if (columns === NO_MARKS) this.#rescanAllFrom = systemClock.elapsed() + tookMs / SHARE
    for (const { kind, priority, runAt } of jobs) this.#move(kind, priority, runAt.getTime() - SLACK_MS)
  }

  /** Jobs before the marks may have to be claimed. */
  rescanAll(): void {
    this.#rescanAllFrom = -Infinity
  }

  #move(kind: string, priority: number, time: number): void {
    const ofKind = this.#times.get(kind) ?? new Map<number, number>()
    this.#times.set(kind, ofKind)
    if (time <= (ofKind.get(priority) ?? -Infinity)) return
    ofKind.set(priority, time)
    if (ofKind.size <= MOST_PRIORITIES) return
    const [oldest] = [...ofKind].sort(([, a], [, b]) => a - b)
    ofKind.delete(oldest![0])
  }
}
