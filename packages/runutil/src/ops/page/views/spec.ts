import type { WorkUnitStatus } from '../../../coordinate/model.ts'
import type { Aged, AsJson } from '../../views/read-model.ts'
import type { SpecRow } from '../../views/work-views.ts'

/** A work spec, as the API lists it. */
export interface Spec extends AsJson<SpecRow> {
  /** Absent while they are unknown. */
  readonly counts?: Readonly<Record<WorkUnitStatus, number>>
}

export interface SpecPage extends Aged {
  readonly specs: readonly Spec[]
  readonly next?: string
}

/** A unit, as the API lists it. */
export interface Unit {
  readonly name: string
  readonly status: WorkUnitStatus
  readonly priority: number
  readonly notBefore?: string
  readonly numAttempts: number
}

export interface UnitPage<U extends Unit = Unit> extends Aged {
  readonly units: readonly U[]
  readonly next?: string
}

/** In the order in which a unit has them. */
export const UNIT_STATUSES: readonly WorkUnitStatus[] = [
  'available',
  'delayed',
  'pending',
  'finished',
  'failed',
]

/** 'namespace/name', as calls name it. */
export function specPath({ namespace, name }: Pick<Spec, 'namespace' | 'name'>): string {
  return `${namespace}/${name}`
}
