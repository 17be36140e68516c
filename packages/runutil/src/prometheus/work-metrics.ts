import type { ActionCount } from '../metrics/action-counts.ts'
import type { UnitCount } from '../metrics/unit-counts.ts'
import { MetricFamily } from './metric-family.ts'

/** What work units and actions there are. */
export class WorkMetrics {
  readonly #units = new MetricFamily({
    name: 'runutil_units',
    type: 'gauge',
    help: 'Work units that have not ended, by status; 10001 stands for more than 10000',
    labels: ['spec', 'status'],
  })
  readonly #actions = new MetricFamily({
    name: 'runutil_actions',
    type: 'gauge',
    help: 'Actions that the live workers of this process perform, or have waiting for them',
    labels: ['operation', 'state'],
  })
  readonly families = [this.#units, this.#actions]

  set(units: readonly UnitCount[], actions: readonly ActionCount[]): void {
    for (const { spec, status, count } of units) this.#units.set(count, spec, status)
    for (const { operation, state, count } of actions) this.#actions.set(count, operation, state)
  }
}
