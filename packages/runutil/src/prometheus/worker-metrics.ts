import { PER_DOUBLING } from '../core/histogram.ts'
import type { WorkerRecord } from '../core/worker-record.ts'
import type { WorkerState } from '../core/worker-state.ts'
import { poolsAmong } from '../metrics/pool-counts.ts'
import { MetricFamily } from './metric-family.ts'

/** So many workers have series of their own; the rest is 'other'. */
const MOST_WORKERS = 1_000
const OTHER = 'other'

/** The workers of a run, from its records. */
export class WorkerMetrics {
  readonly #state = new MetricFamily({
    name: 'runutil_worker_state',
    type: 'gauge',
    help: 'The state that a worker is in',
    labels: ['worker', 'state'],
  })
  readonly #restarts = counter('runutil_worker_restarts_total', 'Restarts after failures')
  readonly #failures = counter('runutil_worker_failures_total', 'Failures of a worker')
  readonly #missed = counter('runutil_worker_missed_total', 'Starts that will never run')
  readonly #runs = new MetricFamily({
    name: 'runutil_run_duration_seconds',
    type: 'histogram',
    help: 'How long the runs of a worker took',
    labels: ['worker'],
  })
  readonly #pools = new PoolMetrics()
  readonly families = [
    this.#state,
    this.#restarts,
    this.#failures,
    this.#missed,
    this.#runs,
    ...this.#pools.families,
  ]

  /** @param workers all but the root */
  set(workers: readonly WorkerRecord[]): void {
    for (const [worker, records] of named(workers)) {
      for (const [name, count] of statesOf(records)) this.#state.set(count, worker, name)
      const sumOf = (value: (record: WorkerRecord) => number): number => sum(records, value)
      this.#restarts.set(
        sumOf(({ restarts }) => restarts),
        worker,
      )
      this.#failures.set(
        sumOf(({ failures }) => failures),
        worker,
      )
      this.#missed.set(
        sumOf(({ missed }) => missed),
        worker,
      )
      const durations = records.flatMap((record) => {
        if (record.lastRun === undefined) return []
        const { latency, totalMs } = record
        return [{ count: latency.total, sumMs: totalMs, counts: latency.counts }]
      })
      if (durations.length > 0) this.#runs.setDurations(durations, PER_DOUBLING, worker)
    }
    this.#pools.set(workers)
  }
}

function counter(name: string, help: string): MetricFamily {
  return new MetricFamily({ name, type: 'counter', help, labels: ['worker'] })
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

/** The processes of pools. */
class PoolMetrics {
  readonly #processes = new MetricFamily({
    name: 'runutil_pool_workers',
    type: 'gauge',
    help: 'Processes of a pool, by state',
    labels: ['worker', 'state'],
  })
  readonly #memory = new MetricFamily({
    name: 'runutil_pool_memory_bytes',
    type: 'gauge',
    help: 'Memory of the processes of a pool',
    labels: ['worker'],
  })
  readonly families = [this.#processes, this.#memory]

  set(workers: readonly WorkerRecord[]): void {
    for (const { record, states, memory } of poolsAmong(workers)) {
      for (const [state, count] of states) this.#processes.set(count, record.path, state)
      if (memory !== undefined) this.#memory.set(memory, record.path)
    }
  }
}

function sum<T>(all: readonly T[], value: (one: T) => number): number {
  return all.reduce((total, one) => total + value(one), 0)
}
