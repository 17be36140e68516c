import { count, counted } from '../../format.ts'
import { useMayChange, usePage } from '../page-context.ts'
import { Age } from '../parts/age.tsx'
import { AsOf } from '../parts/as-of.tsx'
import { type FactRow, FactList } from '../parts/facts.tsx'
import { Link } from '../parts/link.tsx'
import { FailureNotice, Notice } from '../parts/notice.tsx'
import { StatusMark } from '../parts/status-mark.tsx'
import { useLoaded } from '../use-loaded.ts'
import { PauseSpec, RetryUnits, SpecState } from './spec-parts.tsx'
import { type Spec, type SpecPage, UNIT_STATUSES } from './spec.ts'

const EVERY_MS = 2_000

export interface SpecHeadProps {
  readonly namespace: string
  readonly name: string
  readonly changed: () => void
}

/** What a spec is, how many of its units are where, and what can be done with it. */
export function SpecHead({ namespace, name, changed }: SpecHeadProps) {
  const { value, failure, heardAt, reload } = useLoaded<SpecPage>('specs', { namespace, name }, EVERY_MS)
  const spec = value?.specs.find((one) => one.namespace === namespace)
  return (
    <section class="part">
      <p>
        <Link to={{ fields: {}, selected: undefined }}>← All work specs</Link>
      </p>
      <header class="part-head">
        <h2>
          {namespace}/{name}
        </h2>
        {spec !== undefined && <SpecState spec={spec} />}
        <AsOf heardAt={heardAt} ageMs={value?.ageMs} failure={value && failure} />
      </header>
      {value === undefined && failure !== undefined && <FailureNotice failure={failure} />}
      {value !== undefined && spec === undefined && <Notice title="There is no such spec any more" />}
      {spec !== undefined && (
        <SpecFacts
          spec={spec}
          changed={() => {
            reload()
            changed()
          }}
        />
      )}
    </section>
  )
}

function SpecFacts({ spec, changed }: { readonly spec: Spec; readonly changed: () => void }) {
  const mayChange = useMayChange()
  const failed = spec.counts?.failed ?? 0
  return (
    <>
      <Counts spec={spec} />
      <FactList rows={factsOf(spec)} />
      {mayChange && (
        <div class="buttons verbs" role="group" aria-label={`What to do with ${spec.name}`}>
          <PauseSpec spec={spec} changed={changed} />
          {failed > 0 && <RetryUnits spec={spec} count={failed} changed={changed} />}
        </div>
      )}
    </>
  )
}

/** Each leads to those units. */
function Counts({ spec: { counts } }: { readonly spec: Spec }) {
  const { fields } = usePage().route
  if (counts === undefined) return <p class="unknown">how many units are where is unknown</p>
  return (
    <p class="summary">
      {UNIT_STATUSES.map((status) => (
        <Link
          key={status}
          to={{ fields: { ...fields, after: '', status: fields['status'] === status ? '' : status } }}
        >
          {counts[status] === 0 ? (
            <span class="dim">0 {status}</span>
          ) : (
            <StatusMark status={status}>{`${count(counts[status])} ${status}`}</StatusMark>
          )}
        </Link>
      ))}
    </p>
  )
}

function factsOf({
  namespace,
  priority,
  weight,
  maxRunning,
  maxRetries,
  continuous,
  next,
  then,
}: Spec): FactRow[] {
  return [
    ['priority', count(priority)],
    ['weight', count(weight)],
    ['at once', maxRunning && `at most ${counted(maxRunning, 'unit')}`],
    ['retries', maxRetries && `at most ${count(maxRetries)}`],
    ['next start', next === undefined ? continuous ? 'at once' : undefined : <Age at={next} />],
    ['then', then && <Link to={{ fields: { namespace, spec: then }, selected: undefined }}>{then}</Link>],
  ]
}
