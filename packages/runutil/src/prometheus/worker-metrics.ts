import { PER_DOUBLING } from '../core/histogram.ts'
import type { WorkerRecord } from '../core/worker-record.ts'
import type { WorkerState } from '../core/worker-state.ts'
import { MetricFamily } from './metric-family.ts'

/** So many workers have series of their own; the rest is 'other'. */
const MOST_WORKERS = 1_000
const OTHER = 'other'

/** The workers of a run, from its records. @param workers all but the root */
export function workerMetrics(workers: readonly WorkerRecord[]): MetricFamily[] {
  const state = new MetricFamily('runutil_worker_state', 'gauge', 'The state that a worker is in')
  const restarts = new MetricFamily('runutil_worker_restarts_total', 'counter', 'Restarts after failures')
  const failures = new MetricFamily('runutil_worker_failures_total', 'counter', 'Failures of a worker')
  const missed = new MetricFamily('runutil_worker_missed_total', 'counter', 'Starts that will never run')
  const runs = new MetricFamily(
    'runutil_run_duration_seconds',
    'histogram',
    'How long the runs of a worker took',
  )
  for (const [worker, records] of named(workers)) {
    for (const [name, count] of statesOf(records)) state.add({ worker, state: name }, count)
    restarts.add(
      { worker },
      sum(records, (record) => record.restarts),
    )
    failures.add(
      { worker },
      sum(records, (record) => record.failures),
    )
    missed.add(
      { worker },
      sum(records, (record) => record.missed),
    )
    const durations = records.flatMap(({ lastRun }) => {
      if (lastRun === undefined) return []
      const { latency, totalMs } = lastRun
      return [{ count: latency.total, sumMs: totalMs, counts: latency.counts }]
    })
    if (durations.length > 0) runs.addDurations({ worker }, durations, PER_DOUBLING)
  }
  return [state, restarts, failures, missed, runs, ...poolMetrics(workers)]
}

/** Everything beneath a record, in the order of the tree. */
export function recordsBeneath(record: WorkerRecord): WorkerRecord[] {
  return (record.children ?? []).flatMap((child) => [child, ...recordsBeneath(child)])
}

/** What the module of a worker tells of it. */
export function detailOf({ describe }: WorkerRecord): Readonly<Record<string, unknown>> {
  try {
    return (describe?.() ?? {}) as Readonly<Record<string, unknown>>
  } catch {
    return {}
  }
}

function named(workers: readonly WorkerRecord[]): [name: string, records: readonly WorkerRecord[]][] {
  const own = workers
    .slice(0, MOST_WORKERS)
    .map((record): [string, WorkerRecord[]] => [record.path, [record]])
  const others = workers.slice(MOST_WORKERS)
  return others.length === 0 ? own : [...own, [OTHER, others]]
}

function statesOf(records: readonly WorkerRecord[]): Map<WorkerState, number> {
  const counts = new Map<WorkerState, number>()
  for (const { state } of records) counts.set(state, (counts.get(state) ?? 0) + 1)
  return counts
}

function poolMetrics(workers: readonly WorkerRecord[]): MetricFamily[] {
  const processes = new MetricFamily('runutil_pool_workers', 'gauge', 'Processes of a pool, by state')
  const memory = new MetricFamily('runutil_pool_memory_bytes', 'gauge', 'Memory of the processes of a pool')
  for (const record of workers) {
    if (record.kind !== 'pool') continue
    const { path: worker } = record
    const its = (detailOf(record)['processes'] ?? []) as readonly { state: string; rss?: number }[]
    const byState = new Map<string, number>()
    for (const { state } of its) byState.set(state, (byState.get(state) ?? 0) + 1)
    for (const [state, count] of byState) processes.add({ worker, state }, count)
    const known = its.flatMap(({ rss }) => (rss === undefined ? [] : [rss]))
    if (known.length > 0)
      memory.add(
        { worker },
        sum(known, (rss) => rss),
      )
  }
  return [processes, memory]
}

function sum<T>(all: readonly T[], value: (one: T) => number): number {
  return all.reduce((total, one) => total + value(one), 0)
}
