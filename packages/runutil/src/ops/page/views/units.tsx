import { usePage } from '../page-context.ts'
import { SpecList } from './spec-list.tsx'
import { SpecUnits } from './spec-units.tsx'

/** The work specs; of one of them, its units. */
export function UnitsView() {
  const { namespace = '', spec } = usePage().route.fields
  if (spec === undefined) return <SpecList />
  return <SpecUnits key={`${namespace}/${spec}`} namespace={namespace} name={spec} />
}
