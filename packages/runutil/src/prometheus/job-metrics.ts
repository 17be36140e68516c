import type { KindStats } from '../queue/kind-stats.ts'
import type { AttemptOutcome, KindTotals } from '../queue/kind-tally.ts'
import type { KindNames } from './kind-names.ts'
import { MetricFamily } from './metric-family.ts'

const OUTCOMES: readonly AttemptOutcome[] = ['done', 'failed', 'panic', 'retried']
/** Buckets per doubling of what a queue counts. */
const PER_DOUBLING = 16

/** What this process has done. @param totals of each kind that it runs, also those without attempts */
export function attemptMetrics(totals: readonly KindTotals[], names: KindNames): MetricFamily[] {
  const handle = new MetricFamily(
    'runutil_job_duration_seconds',
    'histogram',
    'How long handlers of jobs took',
  )
  const wait = new MetricFamily(
    'runutil_job_wait_seconds',
    'histogram',
    'How long jobs waited from when they were due to their start',
  )
  for (const [kind, all] of names.grouped(totals)) {
    for (const outcome of OUTCOMES) {
      const its = all.flatMap((one) => one.handle[outcome] ?? [])
      handle.addDurations({ kind, outcome }, its, PER_DOUBLING)
    }
    const waits = all.map((one) => one.wait)
    wait.addDurations({ kind }, waits, PER_DOUBLING)
  }
  return [handle, wait]
}

/** What the store knows. @param kinds that this process runs, and that the store may know nothing of @param now ms since the epoch */
export function backlogMetrics(
  stats: readonly KindStats[],
  kinds: Iterable<string>,
  names: KindNames,
  now: number,
): MetricFamily[] {
  const jobs = new MetricFamily('runutil_jobs', 'gauge', 'Jobs by state; 10001 stands for more than 10000')
  const oldest = new MetricFamily(
    'runutil_jobs_oldest_due_seconds',
    'gauge',
    'For how long the first job has been due',
  )
  const paused = new MetricFamily('runutil_kind_paused', 'gauge', 'Whether an operator has paused the kind')
  const known = new Set(stats.map(({ kind }) => kind))
  const idle = [...kinds].filter((kind) => !known.has(kind)).map((kind) => ({ ...NOTHING, kind }))
  for (const [kind, all] of names.grouped<Backlog>([...stats, ...idle])) {
    for (const state of ['waiting', 'blocked', 'running', 'failed'] as const) {
      jobs.add({ kind, state }, sum(all.map((one) => one[state])))
    }
    const ages = all.map(({ oldestDueAt }) => (oldestDueAt === undefined ? 0 : now - oldestDueAt.getTime()))
    oldest.add({ kind }, Math.max(0, ...ages) / 1_000)
    paused.add({ kind }, all.some((one) => one.paused) ? 1 : 0)
  }
  return [jobs, oldest, paused]
}

type Backlog = Pick<
  KindStats,
  'kind' | 'waiting' | 'blocked' | 'running' | 'failed' | 'oldestDueAt' | 'paused'
>

const NOTHING = { waiting: 0, blocked: 0, running: 0, failed: 0, paused: false } as const

function sum(all: readonly number[]): number {
  return all.reduce((total, one) => total + one, 0)
}
