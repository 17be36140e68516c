import type { Replica } from '../../replicas/replica-store.ts'
import type { AsJson } from '../../views/read-model.ts'
import { counted, instant } from '../../format.ts'
import { useLive, usePage } from '../page-context.ts'
import { Age } from '../parts/age.tsx'
import { AsOf } from '../parts/as-of.tsx'
import { type Column, DataTable } from '../parts/data-table.tsx'
import { ChoiceFilter, ClearFilters, FilterBar, TextFilter } from '../parts/filter-bar.tsx'
import { Link } from '../parts/link.tsx'
import { Mark } from '../parts/mark.tsx'
import { FailureNotice, Notice } from '../parts/notice.tsx'
import { StatusMark } from '../parts/status-mark.tsx'
import { useLiveList } from '../use-live-list.ts'

type ListedReplica = AsJson<Replica>

/** The processes of the program. */
export function ReplicasView() {
  const { lists, state: own } = useLive()
  const { text = '', state } = usePage().route.fields
  const { items, failure, heardAt, ageMs } = useLiveList<ListedReplica>('replicas')
  if (items === undefined) {
    return failure === undefined ? (
      <Notice title="Waiting for the processes …" />
    ) : (
      <FailureNotice failure={failure} />
    )
  }
  const asOf = instant(lists['replicas']?.value?.at)
  const shown = items.filter((replica) => {
    const texts = [replica.name, replica.host, String(replica.pid), replica.version, replica.id]
    const matches = texts.some((one) => one.toLowerCase().includes(text.toLowerCase()))
    return matches && (state === undefined || stateOf(replica) === state)
  })
  const versions = new Set(items.filter(({ lost }) => !lost).map(({ version }) => version))
  return (
    <section class="part">
      <header class="part-head">
        <h2>Replicas</h2>
        <AsOf heardAt={heardAt} ageMs={ageMs} failure={failure} />
      </header>
      {versions.size > 1 && (
        <p>
          <Mark tone="warn" shape="triangle">
            {`live processes have ${counted(versions.size, 'version')} of runutil: ${[...versions].join(', ')}`}
          </Mark>
        </p>
      )}
      {items.length > 1 && (
        <FilterBar label="Find processes">
          <TextFilter name="text" label="Find" hint="name, host, version" />
          <ChoiceFilter name="state" label="State" choices={['alive', 'lost']} />
          <ClearFilters names={['text', 'state']} />
        </FilterBar>
      )}
      {shown.length === 0 ? (
        <Notice title="No process matches">Take a filter away to see more.</Notice>
      ) : (
        <DataTable
          label="Replicas"
          rows={shown}
          columns={columnsOf(own?.replica, asOf, items.length === 1)}
          keyOf={({ id }) => id}
        />
      )}
      {items.length === 1 && (
        <p class="dim">
          Other processes of the program are listed when the OpsServer and they have a ReplicaStore: its
          option <code>replicas</code>, and the worker <code>replica(store)</code>.
        </p>
      )}
    </section>
  )
}

function stateOf({ lost }: ListedReplica): 'alive' | 'lost' {
  return lost ? 'lost' : 'alive'
}

/** @param shown the id of the process whose tree is shown @param asOf when the list was true, in ms since the epoch */
function columnsOf(
  shown: string | undefined,
  asOf: number | undefined,
  isAlone: boolean,
): readonly Column<ListedReplica>[] {
  return [
    {
      name: 'replica',
      title: 'Process',
      cell: (replica) => <ProcessName replica={replica} isShown={replica.id === shown} isAlone={isAlone} />,
      sortBy: ({ name }) => name,
      isWide: true,
    },
    {
      name: 'state',
      title: 'State',
      cell: (replica) => <StatusMark status={stateOf(replica)} />,
      sortBy: ({ lost }) => !lost,
    },
    { name: 'host', title: 'Host', cell: ({ host }) => host, sortBy: ({ host }) => host },
    {
      name: 'pid',
      title: 'PID',
      cell: ({ pid }) => <code>{pid}</code>,
      sortBy: ({ pid }) => pid,
      isNumber: true,
    },
    { name: 'version', title: 'Version', cell: ({ version }) => version, sortBy: ({ version }) => version },
    {
      name: 'started',
      title: 'Started',
      cell: ({ startedAt }) => <Age at={startedAt} />,
      sortBy: ({ startedAt }) => startedAt,
      isNumber: true,
    },
    {
      name: 'seen',
      title: 'Seen',
      cell: ({ ageMs }) => <Age at={asOf === undefined ? undefined : new Date(asOf - ageMs).toISOString()} />,
      sortBy: ({ ageMs }) => ageMs,
      isNumber: true,
    },
  ]
}

interface ProcessNameProps {
  readonly replica: ListedReplica
  readonly isShown: boolean
  /** Then it is this one, which is asked for without its id. */
  readonly isAlone: boolean
}

/** Leads to its tree. */
function ProcessName({ replica: { id, name }, isShown, isAlone }: ProcessNameProps) {
  return (
    <>
      <Link to={{ view: 'tree', replica: isAlone ? undefined : id }}>{name}</Link>
      {isShown && <span class="dim"> shown now</span>}
    </>
  )
}
