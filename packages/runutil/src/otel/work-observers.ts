import type { BatchObservableResult, Meter, Observable } from '@opentelemetry/api'
import type { ActionCount } from '../metrics/action-counts.ts'
import type { Backlog } from '../metrics/backlog.ts'
import type { UnitCount } from '../metrics/unit-counts.ts'
import { type Observation, Observed } from './observed.ts'

/** What there is to do: jobs, work units and actions. */
export class WorkObservers {
  readonly #jobs: Observed
  readonly #oldest: Observed
  readonly #units: Observed
  readonly #actions: Observed

  constructor(meter: Meter) {
    const upDown = (name: string, description: string, unit: string): Observed =>
      new Observed(meter.createObservableUpDownCounter(name, { description, unit }))
    this.#jobs = upDown('runutil.jobs', 'Jobs by state; 10001 stands for more than 10000', '{job}')
    this.#oldest = new Observed(
      meter.createObservableGauge('runutil.jobs.oldest_due', {
        description: 'For how long the first job has been due',
        unit: 's',
      }),
    )
    this.#units = upDown(
      'runutil.units',
      'Work units that have not ended, by status; 10001 stands for more than 10000',
      '{unit}',
    )
    this.#actions = upDown(
      'runutil.actions',
      'Actions that the live workers of this process perform, or have waiting for them',
      '{action}',
    )
  }

  get instruments(): Observable[] {
    return [this.#jobs, this.#oldest, this.#units, this.#actions].map(({ instrument }) => instrument)
  }

  observeJobs(result: BatchObservableResult, all: readonly Backlog[]): void {
    const counts = all.flatMap(({ name, states }): Observation[] =>
      Object.entries(states).map(([state, value]) => ({
        value,
        attributes: { 'messaging.destination.name': name, 'runutil.job.state': state },
      })),
    )
    const ages = all.map(({ name, oldestDueMs }) => ({
      value: oldestDueMs / 1_000,
      attributes: { 'messaging.destination.name': name },
    }))
    this.#jobs.observe(result, counts)
    this.#oldest.observe(result, ages)
  }

  observeUnits(result: BatchObservableResult, all: readonly UnitCount[]): void {
    const counts = all.map(({ spec, status, count }) => ({
      value: count,
      attributes: { 'runutil.unit.spec': spec, 'runutil.unit.status': status },
    }))
    this.#units.observe(result, counts)
  }

  observeActions(result: BatchObservableResult, all: readonly ActionCount[]): void {
    const counts = all.map(({ operation, state, count }) => ({
      value: count,
      attributes: { 'runutil.action.operation': operation, 'runutil.action.state': state },
    }))
    this.#actions.observe(result, counts)
  }
}
