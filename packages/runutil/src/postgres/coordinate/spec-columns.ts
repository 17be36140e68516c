import type { MetaChange } from '../../coordinate/meta-change.ts'
import type { DerivedMeta } from '../../coordinate/work-spec-meta.ts'

/** The columns of a spec's meta. */
const COLUMNS = {
  priority: { column: 'priority', type: 'double precision' },
  weight: { column: 'weight', type: 'double precision' },
  paused: { column: 'paused', type: 'boolean' },
  continuous: { column: 'continuous', type: 'boolean' },
  canBeContinuous: { column: 'can_be_continuous', type: 'boolean' },
  minMemoryGb: { column: 'min_gb', type: 'double precision' },
  interval: { column: 'interval_ms', type: 'double precision' },
  maxRunning: { column: 'max_running', type: 'double precision' },
  maxAttemptsReturned: { column: 'max_returned', type: 'double precision' },
  maxRetries: { column: 'max_retries', type: 'double precision' },
  nextWorkSpecName: { column: 'next_name', type: 'pg_catalog.text' },
  runtime: { column: 'runtime', type: 'pg_catalog.text' },
} as const satisfies Record<keyof DerivedMeta, { column: string; type: string }>

const FIELDS = Object.keys(COLUMNS) as (keyof DerivedMeta)[]

export const metaColumns = FIELDS.map((field) => COLUMNS[field].column)

/** Their parameters, from number `first` on. */
export function metaParameters(first: number): string[] {
  return FIELDS.map((field, at) => `$${first + at}::${COLUMNS[field].type}`)
}

/** A spec's meta as JSON. */
export const metaJson = /* sql */ `pg_catalog.json_build_object(${FIELDS.map((field) => `'${field}', ${COLUMNS[field].column}`).join(', ')})`

/** The values for `metaParameters`; null where there is none. */
export function metaValues(meta: Partial<DerivedMeta> | MetaChange): (string | number | boolean | null)[] {
  return FIELDS.map((field) => (meta as Partial<DerivedMeta>)[field] ?? null)
}
