import { systemClock } from '../../core/clock-system.ts'
import type { ClaimedJob } from '../../queue/job.ts'
import { plainArray, textArray } from '../statements/array-literal.ts'

/** A look at all that takes longer, and longer than its jobs explain, has walked past what can't be cleaned up. */
const SLOW_MS = 25
const MS_A_JOB = 0.05
/** So much of the time may go into looks at all, where they are slow. */
const SHARE = 0.1
/** Jobs become visible in another order than their times, mostly by less than this. */
const SLACK_MS = 1_000
/** Kinds with more priorities than this in use are looked at from the first of the others. */
const MOST_PRIORITIES = 8

export type MarkColumns = readonly [kinds: string | null, priorities: string | null, times: string | null]

export const NO_MARKS: MarkColumns = [null, null, null]

/**
 * From where on a claim looks for jobs that wait.
 *
 * Mostly from the beginning. But beside a transaction that stays open, PostgreSQL can't clean up the jobs that were
 * claimed since it began, and a claim walks past them all. Then claims begin where earlier ones ended, for each kind and
 * priority, and look at all when jobs were given back, and now and then, for those whose enqueueing committed late or of
 * which no notification told.
 */
export class ScanMarks {
  /** By kind and priority, in ms since the epoch. */
  readonly #times = new Map<string, Map<number, number>>()
  #lookAtAllFrom = -Infinity

  /** Parameters of `claim_jobs`: null to look at all. */
  columns(kinds: readonly string[]): MarkColumns {
    if (systemClock.elapsed() >= this.#lookAtAllFrom) return NO_MARKS
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
  claimed(jobs: readonly ClaimedJob[], columns: MarkColumns, tookMs: number): void {
    if (columns === NO_MARKS && tookMs <= SLOW_MS + jobs.length * MS_A_JOB) {
      this.#times.clear()
      this.#lookAtAllFrom = -Infinity
      return
    }
    if (columns === NO_MARKS) this.#lookAtAllFrom = systemClock.elapsed() + tookMs / SHARE
    for (const { kind, priority, runAt } of jobs) this.#move(kind, priority, runAt.getTime() - SLACK_MS)
  }

  /** Something is to be claimed that may lie before the marks. */
  lookAtAll(): void {
    this.#lookAtAllFrom = -Infinity
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
