import type { KindStats } from '../queue/kind-stats.ts'
import type { AttemptOutcome, KindTotals } from '../queue/kind-tally.ts'
import { BACKLOG_STATES, backlogs } from '../metrics/backlog.ts'
import type { LabelNames } from '../metrics/label-names.ts'
import { MetricFamily } from './metric-family.ts'

const OUTCOMES: readonly AttemptOutcome[] = ['done', 'failed', 'panic', 'retried']
/** Buckets per doubling of what a queue counts. */
const PER_DOUBLING = 16

/** What this process has done. */
export class AttemptMetrics {
  readonly #handle = new MetricFamily({
    name: 'runutil_job_duration_seconds',
    type: 'histogram',
    help: 'How long handlers of jobs took',
    labels: ['kind', 'outcome'],
  })
  readonly #wait = new MetricFamily({
    name: 'runutil_job_wait_seconds',
    type: 'histogram',
    help: 'How long jobs waited from when they were due to their start',
    labels: ['kind'],
  })
  readonly families = [this.#handle, this.#wait]

  /** @param totals of each kind that this process runs, also those without attempts */
  set(totals: readonly KindTotals[], names: LabelNames): void {
    for (const [kind, all] of names.grouped(totals, (one) => one.kind)) {
      const handles = all.map((one) => one.handle)
      for (const outcome of OUTCOMES) {
        const its = handles.map((handle) => handle[outcome]).filter((durations) => durations !== undefined)
        this.#handle.setDurations(its, PER_DOUBLING, kind, outcome)
      }
      const waits = all.map((one) => one.wait)
      this.#wait.setDurations(waits, PER_DOUBLING, kind)
    }
  }
}

/** What the store knows. */
export class BacklogMetrics {
  readonly #jobs = new MetricFamily({
    name: 'runutil_jobs',
    type: 'gauge',
    help: 'Jobs by state; 10001 stands for more than 10000',
    labels: ['kind', 'state'],
  })
  readonly #oldest = new MetricFamily({
    name: 'runutil_jobs_oldest_due_seconds',
    type: 'gauge',
    help: 'For how long the first job has been due',
    labels: ['kind'],
  })
  readonly #paused = new MetricFamily({
    name: 'runutil_kind_paused',
    type: 'gauge',
    help: 'Whether an operator has paused the kind',
    labels: ['kind'],
  })
  readonly families = [this.#jobs, this.#oldest, this.#paused]

  /** @param kinds that this process runs, and that the store may know nothing of @param now ms since the epoch */
  set(stats: readonly KindStats[], kinds: Iterable<string>, names: LabelNames, now: number): void {
    for (const { name, states, oldestDueMs, isPaused } of backlogs(
      stats,
      kinds,
      (kind) => names.of(kind),
      now,
    )) {
      for (const state of BACKLOG_STATES) this.#jobs.set(states[state], name, state)
      this.#oldest.set(oldestDueMs / 1_000, name)
      this.#paused.set(isPaused ? 1 : 0, name)
    }
  }
}
