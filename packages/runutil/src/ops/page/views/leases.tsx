import type { Replica } from '../../replicas/replica-store.ts'
import type { LeaseHolder } from '../../views/lease-holders.ts'
import type { AsJson } from '../../views/read-model.ts'
import { usePage } from '../page-context.ts'
import { Age, For } from '../parts/age.tsx'
import { AsOf } from '../parts/as-of.tsx'
import { type Column, DataTable } from '../parts/data-table.tsx'
import { ChoiceFilter, ClearFilters, FilterBar, TextFilter } from '../parts/filter-bar.tsx'
import { Link } from '../parts/link.tsx'
import { FailureNotice, Notice } from '../parts/notice.tsx'
import { StatusMark } from '../parts/status-mark.tsx'
import { useLiveList } from '../use-live-list.ts'

/** A lease, as the API lists it. */
interface Lease {
  readonly name: string
  readonly fence: number
  readonly held: boolean
  readonly until?: string
  /** Since when its holder has it. */
  readonly since?: string
  /** Absent when no process that is known tells that it holds it. */
  readonly holder?: LeaseHolder
}

/** What runs once across all processes, and who runs it. */
export function LeasesView() {
  const { text = '', state } = usePage().route.fields
  const { items, failure, heardAt, ageMs } = useLiveList<Lease>('leases')
  if (items === undefined) {
    return failure === undefined ? (
      <Notice title="Waiting for the leases …" />
    ) : (
      <FailureNotice failure={failure} />
    )
  }
  const shown = items.filter((lease) => {
    return (
      lease.name.toLowerCase().includes(text.toLowerCase()) &&
      (state === undefined || stateOf(lease) === state)
    )
  })
  return (
    <section class="part">
      <header class="part-head">
        <h2>Leases</h2>
        <AsOf heardAt={heardAt} ageMs={ageMs} failure={failure} />
      </header>
      <FilterBar label="Find leases">
        <TextFilter name="text" label="Find" hint="part of a name" />
        <ChoiceFilter name="state" label="State" choices={['held', 'free']} />
        <ClearFilters names={['text', 'state']} />
      </FilterBar>
      {shown.length === 0 && <NoLease isFiltered={items.length > 0} />}
      {shown.length > 0 && (
        <DataTable label="Leases" rows={shown} columns={COLUMNS} keyOf={({ name }) => name} />
      )}
      {items.length >= MOST_LISTED && (
        <p class="dim">Only the first 1,000 are listed, the held ones first.</p>
      )}
    </section>
  )
}

/** So many the API lists. */
const MOST_LISTED = 1_000

function stateOf({ held }: Lease): 'held' | 'free' {
  return held ? 'held' : 'free'
}

function NoLease({ isFiltered }: { readonly isFiltered: boolean }) {
  if (isFiltered) return <Notice title="No lease matches">Take a filter away to see more.</Notice>
  return (
    <Notice title="There is no lease yet">
      A <code>singleton</code>, a <code>distributedRepeat</code> or a <code>distributedCron</code> takes one
      when it first runs.
    </Notice>
  )
}

const COLUMNS: readonly Column<Lease>[] = [
  { name: 'lease', title: 'Lease', cell: ({ name }) => name, sortBy: ({ name }) => name, isWide: true },
  {
    name: 'state',
    title: 'State',
    cell: (lease) => <StatusMark status={stateOf(lease)} />,
    sortBy: ({ held }) => !held,
  },
  { name: 'holder', title: 'Holder', cell: (lease) => <Holder lease={lease} />, isWide: true },
  {
    name: 'fence',
    title: 'Fence',
    cell: ({ fence }) => <span class="number">{fence}</span>,
    sortBy: ({ fence }) => fence,
    isNumber: true,
  },
  {
    name: 'since',
    title: 'Held for',
    cell: ({ held, since }) => held && since !== undefined && <For since={since} />,
    sortBy: ({ since }) => since,
    isNumber: true,
  },
  {
    name: 'until',
    title: 'Until',
    cell: ({ held, until }) => held && until !== undefined && <Age at={until} />,
    sortBy: ({ until }) => until,
    isNumber: true,
  },
]

/** Leads to the worker in the tree of its process. */
function Holder({ lease: { held, holder } }: { readonly lease: Lease }) {
  const { items: replicas = [] } = useLiveList<AsJson<Replica>>('replicas')
  if (!held) return <span class="zero">–</span>
  if (holder === undefined) return <span class="unknown">no process that is known here</span>
  const its = replicas.find(({ id }) => id === holder.replica)
  // One that is alone is asked for without its id.
  const replica = replicas.length > 1 ? holder.replica : undefined
  return (
    <span>
      <Link to={{ view: 'tree', replica, selected: holder.worker }}>{holder.worker}</Link>{' '}
      <span class="dim">{its === undefined ? holder.replica : `${its.name}, pid ${its.pid}`}</span>
    </span>
  )
}
