import type { MetaChange } from '../../coordinate/meta-change.ts'
import type { DerivedMeta } from '../../coordinate/work-spec-meta.ts'

/** Where a spec's meta is kept. */
const COLUMNS = {
  priority: { column: 'priority', type: 'float8' },
  weight: { column: 'weight', type: 'float8' },
  paused: { column: 'paused', type: 'boolean' },
  continuous: { column: 'continuous', type: 'boolean' },
  canBeContinuous: { column: 'can_be_continuous', type: 'boolean' },
  minMemoryGb: { column: 'min_gb', type: 'float8' },
  interval: { column: 'interval_ms', type: 'float8' },
  maxRunning: { column: 'max_running', type: 'float8' },
  maxAttemptsReturned: { column: 'max_returned', type: 'float8' },
  maxRetries: { column: 'max_retries', type: 'float8' },
  nextWorkSpecName: { column: 'next_name', type: 'text' },
  runtime: { column: 'runtime', type: 'text' },
} as const satisfies Record<keyof DerivedMeta, { column: string; type: string }>

const FIELDS = Object.keys(COLUMNS) as (keyof DerivedMeta)[]

export const metaColumns = FIELDS.map((field) => COLUMNS[field].column)

/** As parameters from number `first` on. */
export function metaParameters(first: number): string[] {
  return FIELDS.map((field, at) => `$${first + at}::${COLUMNS[field].type}`)
}

/** All of a spec's meta as JSON. */
export const metaJson = `json_build_object(${FIELDS.map((field) => `'${field}', ${COLUMNS[field].column}`).join(', ')})`

/** The values for `metaParameters`; null where there is none. */
export function metaValues(meta: Partial<DerivedMeta> | MetaChange): (string | number | boolean | null)[] {
  return FIELDS.map((field) => (meta as Partial<DerivedMeta>)[field] ?? null)
}
