import { count } from '../../format.ts'
import { usePage } from '../page-context.ts'
import { Age } from '../parts/age.tsx'
import { AsOf } from '../parts/as-of.tsx'
import { type Column, DataTable } from '../parts/data-table.tsx'
import { ChoiceFilter, ClearFilters, FilterBar, TextFilter } from '../parts/filter-bar.tsx'
import { FailureNotice, Notice } from '../parts/notice.tsx'
import { Pager } from '../parts/pager.tsx'
import { ListAndPane } from '../parts/pane.tsx'
import { StatusMark } from '../parts/status-mark.tsx'
import { useLoaded } from '../use-loaded.ts'
import { SpecHead } from './spec-head.tsx'
import { UNIT_STATUSES, type Unit, type UnitPage } from './spec.ts'
import { UnitPane } from './unit-pane.tsx'

const EVERY_MS = 2_000

/** The units of one spec by name, a page of them. */
export function SpecUnits({ namespace, name }: { readonly namespace: string; readonly name: string }) {
  const { route, go } = usePage()
  const { status = '', unit = '', after = '' } = route.fields
  const query = { namespace, spec: name, status, name: unit, after }
  const page = useLoaded<UnitPage>('units', query, EVERY_MS)
  const { value, failure, heardAt } = page
  const { selected } = route
  const list = (
    <>
      <SpecHead namespace={namespace} name={name} changed={page.reload} />
      <section class="part">
        <header class="part-head">
          <h2>Units</h2>
          <AsOf heardAt={heardAt} ageMs={value?.ageMs} failure={value && failure} />
        </header>
        <FilterBar label="Find units">
          <ChoiceFilter name="status" label="Status" choices={UNIT_STATUSES} />
          <TextFilter name="unit" label="Name" hint="the whole of it" />
          <ClearFilters names={['status', 'unit']} />
        </FilterBar>
        {value === undefined && failure !== undefined && <FailureNotice failure={failure} />}
        {value?.units.length === 0 && (
          <Notice
            title={status === '' && unit === '' && after === '' ? 'It has no units' : 'No unit matches'}
          />
        )}
        {value !== undefined && value.units.length > 0 && (
          <DataTable
            label="Units"
            rows={value.units}
            columns={COLUMNS}
            keyOf={(one) => one.name}
            select={(one) => go({ selected: one.name })}
            selected={selected}
          />
        )}
        {value !== undefined && <Pager next={value.next} />}
      </section>
    </>
  )
  const pane = selected !== undefined && (
    <UnitPane key={selected} spec={{ namespace, name }} name={selected} changed={page.reload} />
  )
  return <ListAndPane list={list} pane={pane || undefined} />
}

const COLUMNS: readonly Column<Unit>[] = [
  { name: 'unit', title: 'Unit', cell: ({ name }) => name, isWide: true },
  { name: 'status', title: 'Status', cell: ({ status }) => <StatusMark status={status} /> },
  { name: 'priority', title: 'Priority', cell: ({ priority }) => count(priority), isNumber: true },
  { name: 'attempts', title: 'Attempts', cell: ({ numAttempts }) => count(numAttempts), isNumber: true },
  {
    name: 'notBefore',
    title: 'Not before',
    cell: ({ status, notBefore }) => status === 'delayed' && <Age at={notBefore} />,
  },
]
