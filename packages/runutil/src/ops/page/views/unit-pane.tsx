import type { AttemptStatus } from '../../../coordinate/model.ts'
import { count, duration, instant } from '../../format.ts'
import { useMayChange } from '../page-context.ts'
import { Age, For } from '../parts/age.tsx'
import { AsOf } from '../parts/as-of.tsx'
import { type Column, DataTable } from '../parts/data-table.tsx'
import { FactList } from '../parts/facts.tsx'
import { FailureNotice, Notice } from '../parts/notice.tsx'
import { Pane } from '../parts/pane.tsx'
import { StatusMark } from '../parts/status-mark.tsx'
import { useLoaded } from '../use-loaded.ts'
import { RetryUnits } from './spec-parts.tsx'
import { type Spec, type Unit, type UnitPage, specPath } from './spec.ts'

interface UnitAttempt {
  readonly worker: string
  readonly status: AttemptStatus
  readonly start: string
  readonly end?: string
  readonly expiration: string
}

interface WholeUnit extends Unit {
  /** The last 50, the oldest first. */
  readonly attempts?: readonly UnitAttempt[]
}

export interface UnitPaneProps {
  readonly spec: Pick<Spec, 'namespace' | 'name'>
  readonly name: string
  readonly changed: () => void
}

const EVERY_MS = 2_000

/** One unit, and who has tried it. */
export function UnitPane({ spec, name, changed }: UnitPaneProps) {
  const mayChange = useMayChange()
  const query = { namespace: spec.namespace, spec: spec.name, name }
  const { value, failure, heardAt, reload } = useLoaded<UnitPage<WholeUnit>>('units', query, EVERY_MS)
  const unit = value?.units[0]
  const retried = (): void => {
    reload()
    changed()
  }
  return (
    <Pane
      label={`Unit of ${specPath(spec)}`}
      title={name}
      subtitle={
        unit !== undefined && (
          <p>
            <StatusMark status={unit.status} />{' '}
            <AsOf heardAt={heardAt} ageMs={value?.ageMs} failure={failure} />
          </p>
        )
      }
    >
      {value === undefined && failure !== undefined && <FailureNotice failure={failure} />}
      {value !== undefined && unit === undefined && <Notice title="There is no such unit any more" />}
      {unit !== undefined && (
        <>
          {mayChange && unit.status === 'failed' && (
            <div class="buttons verbs">
              <RetryUnits spec={spec} unit={name} changed={retried} />
            </div>
          )}
          <UnitFacts unit={unit} />
        </>
      )}
    </Pane>
  )
}

function UnitFacts({
  unit: { priority, notBefore, numAttempts, attempts = [] },
}: {
  readonly unit: WholeUnit
}) {
  const newest = attempts.toReversed()
  return (
    <>
      <FactList
        rows={[
          ['priority', count(priority)],
          ['not before', notBefore && <Age at={notBefore} />],
          ['attempts', count(numAttempts)],
        ]}
      />
      <section>
        <h3>
          Attempts{' '}
          {numAttempts > newest.length && <span class="dim">the last {count(newest.length)} of them</span>}
        </h3>
        {newest.length === 0 ? (
          <p class="dim">nobody has tried it yet</p>
        ) : (
          <DataTable
            label="Attempts"
            rows={newest}
            columns={COLUMNS}
            keyOf={({ worker, start }) => `${worker} ${start}`}
          />
        )}
      </section>
    </>
  )
}

const COLUMNS: readonly Column<UnitAttempt>[] = [
  { name: 'attempt', title: 'Worker', cell: ({ worker }) => worker, isWide: true },
  { name: 'status', title: 'Status', cell: ({ status }) => <StatusMark status={status} /> },
  { name: 'start', title: 'Began', cell: ({ start }) => <Age at={start} /> },
  { name: 'took', title: 'Took', cell: (attempt) => <Took attempt={attempt} />, isNumber: true },
]

/** How long it has taken; while it goes on, until when it is leased. */
function Took({ attempt: { status, start, end, expiration } }: { readonly attempt: UnitAttempt }) {
  if (end !== undefined) return <>{duration((instant(end) ?? NaN) - (instant(start) ?? NaN))}</>
  if (status !== 'pending') return <span class="zero">–</span>
  return (
    <span>
      <For since={start} />{' '}
      <span class="dim">
        leased, ends <Age at={expiration} />
      </span>
    </span>
  )
}
