import type { BatchObservableResult, Meter, Observable } from '@opentelemetry/api'
import type { WorkerRecord } from '../core/worker-record.ts'
import { poolsAmong } from '../metrics/pool-counts.ts'
import { type Observation, Observed } from './observed.ts'
import type { WorkerNames } from './worker-names.ts'

/** Workers and the processes of pools, read when they are collected. */
export class WorkerObservers {
  readonly #names: WorkerNames
  readonly #state: Observed
  readonly #restarts: Observed
  readonly #missed: Observed
  readonly #processes: Observed
  readonly #memory: Observed

  constructor(meter: Meter, names: WorkerNames) {
    this.#names = names
    const upDown = (name: string, description: string, unit: string): Observed =>
      new Observed(meter.createObservableUpDownCounter(name, { description, unit }))
    const counter = (name: string, description: string, unit: string): Observed =>
      new Observed(meter.createObservableCounter(name, { description, unit }), { isCounter: true })
    this.#state = upDown('runutil.worker.state', 'Workers, by the state that they are in', '{worker}')
    this.#restarts = counter('runutil.worker.restarts', 'Restarts after failures', '{restart}')
    this.#missed = counter('runutil.worker.missed', 'Starts that will never run', '{start}')
    this.#processes = upDown('runutil.pool.workers', 'Processes of a pool, by state', '{process}')
    this.#memory = upDown('runutil.pool.memory', 'Memory of the processes of a pool', 'By')
  }

  get instruments(): Observable[] {
    const all = [this.#state, this.#restarts, this.#missed, this.#processes, this.#memory]
    return all.map(({ instrument }) => instrument)
  }

  /** @param workers all but the root */
  observe(result: BatchObservableResult, workers: readonly WorkerRecord[]): void {
    const each = (observation: (record: WorkerRecord, name: Named) => Observation): Observation[] =>
      workers.map((record) => observation(record, this.#named(record)))
    this.#state.observe(
      result,
      each(({ state }, name) => ({ value: 1, attributes: { ...name, 'runutil.worker.state': state } })),
    )
    this.#restarts.observe(
      result,
      each(({ restarts: value }, attributes) => ({ value, attributes })),
    )
    this.#missed.observe(
      result,
      each(({ missed: value }, attributes) => ({ value, attributes })),
    )
    this.#observePools(result, workers)
  }

  #observePools(result: BatchObservableResult, workers: readonly WorkerRecord[]): void {
    const pools = poolsAmong(workers)
    const processes = pools.flatMap(({ record, states }): Observation[] =>
      [...states].map(([state, value]) => ({
        value,
        attributes: { ...this.#named(record), 'runutil.process.state': state },
      })),
    )
    const memory = pools.flatMap(({ record, memory: value }): Observation[] =>
      value === undefined ? [] : [{ value, attributes: this.#named(record) }],
    )
    this.#processes.observe(result, processes)
    this.#memory.observe(result, memory)
  }

  #named({ path }: WorkerRecord): Named {
    return { 'runutil.worker.name': this.#names.of(path) }
  }
}

type Named = Record<'runutil.worker.name', string>
