import { serverNow } from '../api.ts'
import { firstLine } from '../../format.ts'
import { usePage } from '../page-context.ts'
import { Age } from '../parts/age.tsx'
import { AsOf } from '../parts/as-of.tsx'
import { type Column, DataTable } from '../parts/data-table.tsx'
import { ChoiceFilter, ClearFilters, FilterBar, TextFilter } from '../parts/filter-bar.tsx'
import { FailureNotice, Notice } from '../parts/notice.tsx'
import { Pager } from '../parts/pager.tsx'
import { StatusMark } from '../parts/status-mark.tsx'
import { useLoaded } from '../use-loaded.ts'
import {
  ACTION_FILTERS,
  type ActionPage,
  type ShownAction,
  WITHIN,
  actionQueryOf,
  brief,
  unfinishedIn,
} from './action.ts'

/** The actions that the filters in the address find, a page of them. */
export function ActionList() {
  const { route, go } = usePage()
  const { fields, selected } = route
  const unfinished = unfinishedIn(fields['where'])
  const query = { ...actionQueryOf(fields, serverNow()), after: fields['after'] ?? '' }
  const { value, failure, heardAt } = useLoaded<ActionPage>('actions', query)
  if (failure?.code === 'not-given') return <FailureNotice failure={failure} />
  return (
    <section class="part">
      <header class="part-head">
        <h2>Actions</h2>
        <AsOf heardAt={heardAt} ageMs={value?.ageMs} failure={value && failure} />
      </header>
      <FilterBar label="Find actions">
        <TextFilter name="operation" label="Operation" />
        <ChoiceFilter name="status" label="Status" choices={['running', 'succeeded', 'failed']} />
        <ChoiceFilter name="within" label="Within" choices={Object.keys(WITHIN)} none="any time" />
        <TextFilter name="target" label="Target" />
        <TextFilter name="host" label="Host" />
        <TextFilter name="errorContains" label="Error contains" />
        <TextFilter name="where" label="Input or output" hint="input.size.gt=5" />
        <ClearFilters names={ACTION_FILTERS} />
      </FilterBar>
      {unfinished !== undefined && (
        <p class="dim">
          What of the input or the output? <code>{unfinished}</code> needs a value, such as{' '}
          <code>input.url.contains=example</code>; several have an &amp; between them.
        </p>
      )}
      {value === undefined && failure !== undefined && <FailureNotice failure={failure} />}
      {value?.actions.length === 0 && <NoAction page={value} isFiltered={Object.keys(query).length > 1} />}
      {value !== undefined && value.actions.length > 0 && (
        <DataTable
          label="Actions"
          rows={value.actions}
          columns={COLUMNS}
          keyOf={({ id }) => id}
          select={({ id }) => go({ selected: id })}
          selected={selected}
        />
      )}
      {value !== undefined && <Pager next={value.next} />}
    </section>
  )
}

function NoAction({ page, isFiltered }: { readonly page: ActionPage; readonly isFiltered: boolean }) {
  if (page.next !== undefined) {
    return <Notice title="None among the newest">The next page looks further back.</Notice>
  }
  if (isFiltered) return <Notice title="No action matches">Take a filter away to see more.</Notice>
  return (
    <Notice title="There is no action yet">
      Each call of a manager’s <code>do</code> is one.
    </Notice>
  )
}

const COLUMNS: readonly Column<ShownAction>[] = [
  { name: 'operation', title: 'Operation', cell: ({ operation }) => operation },
  { name: 'status', title: 'Status', cell: ({ status }) => <StatusMark status={status} /> },
  {
    name: 'target',
    title: 'Target',
    cell: ({ target, host }) => (
      <span>
        {target} {host !== target && <span class="dim">on {host}</span>}
      </span>
    ),
  },
  { name: 'created', title: 'Created', cell: ({ createdAt }) => <Age at={createdAt} />, isNumber: true },
  {
    name: 'input',
    title: 'Input',
    cell: ({ input }) => <code class="clamped">{brief(input)}</code>,
    isWide: true,
    isExtra: true,
  },
  {
    name: 'result',
    title: 'Output, error',
    cell: ({ output, error }) =>
      error === undefined ? (
        output !== undefined && <code class="clamped">{brief(output)}</code>
      ) : (
        <span class="error-text clamped">{brief(firstLine(error))}</span>
      ),
    isWide: true,
  },
]
