import type { ProcessDetail } from '../../../pool/process-detail.ts'
import type { AsJson, StateNode } from '../../views/read-model.ts'
import { bytes, count, counted } from '../../format.ts'
import { useLive, usePage } from '../page-context.ts'
import { For } from '../parts/age.tsx'
import { Count } from '../parts/count.tsx'
import { type Column, DataTable } from '../parts/data-table.tsx'
import { ChoiceFilter, ClearFilters, FilterBar, TextFilter } from '../parts/filter-bar.tsx'
import { Link } from '../parts/link.tsx'
import { Notice } from '../parts/notice.tsx'
import { StatusMark } from '../parts/status-mark.tsx'
import { WorkerVerbs } from './worker-verbs.tsx'

/** A process of a pool, as its worker tells. */
type PoolProcess = AsJson<ProcessDetail>

/** What a pool tells of itself. */
interface PoolDetail {
  /** Tasks that wait for a process, and those that processes work on. */
  readonly waiting: number
  readonly running: number
  readonly processes: readonly PoolProcess[]
}

interface Pool {
  readonly path: string
  readonly node: StateNode
  /** Undefined while it doesn't run. */
  readonly detail: PoolDetail | undefined
}

/** The pools of a process, with the processes of each. */
export function PoolsView() {
  const { state } = useLive()
  const { text = '', state: wanted } = usePage().route.fields
  if (state === undefined) return <Notice title="Waiting for the state of the process …" />
  const pools = poolsIn(state.workers)
  if (pools.length === 0) {
    return (
      <Notice title="No pool runs in this process">
        A ProcessPool in the list of workers is shown here. Those of another process are in its own list:
        choose the process at the top.
      </Notice>
    )
  }
  const states = [...new Set(pools.flatMap(({ detail }) => detail?.processes.map((one) => one.state) ?? []))]
  const shown = pools.filter(({ path }) => path.toLowerCase().includes(text.toLowerCase()))
  return (
    <div class="list">
      <FilterBar label="Find processes">
        <TextFilter name="text" label="Pool" hint="part of its path" />
        <ChoiceFilter name="state" label="Processes" choices={states.sort()} />
        <ClearFilters names={['text', 'state']} />
      </FilterBar>
      {shown.length === 0 && <Notice title="No pool matches">Take a filter away to see more.</Notice>}
      {shown.map((pool) => (
        <PoolPart key={pool.path} pool={pool} wanted={wanted} />
      ))}
    </div>
  )
}

function poolsIn(workers: Readonly<Record<string, StateNode>>): Pool[] {
  return Object.entries(workers)
    .filter(([, { kind }]) => kind === 'pool')
    .map(([path, node]) => ({ path, node, detail: isPoolDetail(node.detail) ? node.detail : undefined }))
}

function isPoolDetail(detail: unknown): detail is PoolDetail {
  return Array.isArray((detail as { processes?: unknown } | undefined)?.processes)
}

function PoolPart({ pool, wanted }: { readonly pool: Pool; readonly wanted: string | undefined }) {
  const { path, node, detail } = pool
  const processes = detail?.processes ?? []
  const shown = wanted === undefined ? processes : processes.filter(({ state }) => state === wanted)
  return (
    <section class="part" aria-label={`Pool ${path}`}>
      <header class="part-head">
        <h2>
          <Link to={{ view: 'tree', selected: path }}>{path}</Link>
        </h2>
        <StatusMark status={node.state} />
        {detail !== undefined && <PoolNumbers {...detail} />}
        <WorkerVerbs path={path} node={node} only="reset" />
      </header>
      {shown.length > 0 && (
        <DataTable
          label={`Processes of ${path}`}
          rows={shown}
          columns={COLUMNS}
          keyOf={({ pid }) => String(pid)}
        />
      )}
      {shown.length === 0 && (
        <Notice title={processes.length === 0 ? 'It has no process now' : 'None of its processes matches'} />
      )}
    </section>
  )
}

function PoolNumbers({ waiting, running, processes }: PoolDetail) {
  const memory = processes.reduce((sum, { rss = 0 }) => sum + rss, 0)
  return (
    <p class="summary dim">
      <span>{counted(processes.length, 'process', 'processes')}</span>
      <span>{counted(running, 'task')} running</span>
      <span class={waiting > 0 ? 'warn-text' : ''}>{count(waiting)} waiting</span>
      {memory > 0 && <span>{bytes(memory)} resident</span>}
    </p>
  )
}

const COLUMNS: readonly Column<PoolProcess>[] = [
  { name: 'pid', title: 'PID', cell: ({ pid }) => <code>{pid}</code>, sortBy: ({ pid }) => pid },
  {
    name: 'state',
    title: 'State',
    cell: ({ state }) => <StatusMark status={state} />,
    sortBy: ({ state }) => state,
  },
  {
    name: 'for',
    title: 'For',
    cell: ({ since }) => <For since={since} />,
    sortBy: ({ since }) => since,
    isNumber: true,
  },
  {
    name: 'rss',
    title: 'Memory',
    cell: ({ rss }) => (rss === undefined ? <span class="unknown">unknown</span> : bytes(rss)),
    sortBy: ({ rss }) => rss,
    isNumber: true,
  },
  {
    name: 'execs',
    title: 'Tasks so far',
    cell: ({ execs }) => <Count value={execs} />,
    sortBy: ({ execs }) => execs,
    isNumber: true,
  },
]
