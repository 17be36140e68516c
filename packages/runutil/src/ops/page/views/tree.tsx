import { useMemo, useState } from 'preact/hooks'
import { bytes, count, counted, duration, instant, percent } from '../../format.ts'
import { useLive, useNow, usePage } from '../page-context.ts'
import { Age, For } from '../parts/age.tsx'
import { type Column, DataTable } from '../parts/data-table.tsx'
import { ChoiceFilter, ClearFilters, FilterBar, TextFilter } from '../parts/filter-bar.tsx'
import { Link } from '../parts/link.tsx'
import { FirstLine } from '../parts/long-text.tsx'
import { Notice } from '../parts/notice.tsx'
import { ListAndPane } from '../parts/pane.tsx'
import { ProgressBar } from '../parts/progress-bar.tsx'
import { StatusMark } from '../parts/status-mark.tsx'
import type { State } from '../../views/read-model.ts'
import { STATES, type TreeRow, isFiring, shownRows, stateCounts, treeRows } from '../../views/tree-rows.ts'
import { WorkerPane } from './worker-pane.tsx'

/** The workers of a process as they supervise each other, and what each of them does. */
export function TreeView() {
  const { state } = useLive()
  const { route, go } = usePage()
  const [folded, setFolded] = useState<ReadonlySet<string>>(new Set())
  const rows = useMemo(() => treeRows(state?.workers ?? {}), [state?.workers])
  if (state === undefined) return <Notice title="Waiting for the state of the process …" />
  const { text, state: wanted } = route.fields
  const shown = shownRows(rows, folded, { text, state: wanted })
  const toggle = ({ path }: TreeRow): void => {
    const next = new Set(folded)
    if (!next.delete(path)) next.add(path)
    setFolded(next)
  }
  const { selected } = route
  const isThere = selected !== undefined && Object.hasOwn(state.workers, selected)
  const list = (
    <>
      <StateCounts state={state} />
      <FilterBar label="Find workers">
        <TextFilter name="text" label="Find" hint="path or kind" />
        <ChoiceFilter name="state" label="State" choices={STATES} />
        <ClearFilters names={['text', 'state']} />
      </FilterBar>
      <DataTable
        label="Workers"
        rows={shown}
        columns={columnsOf(state, toggle)}
        keyOf={({ path }) => path}
        selected={selected}
        select={({ path }) => go({ selected: path })}
        tree={{
          level: ({ level }) => level,
          isOpen: ({ path, beneath }) => (beneath === 0 ? undefined : !folded.has(path)),
          toggle,
        }}
      />
      {shown.length === 0 && <Notice title="No worker matches">Take a filter away to see more.</Notice>}
    </>
  )
  return <ListAndPane list={list} pane={isThere ? <WorkerPane path={selected} state={state} /> : undefined} />
}

/** How many workers are in which state: each leads to those. */
function StateCounts({ state }: { readonly state: State }) {
  const { fields } = usePage().route
  const counts = stateCounts(state.workers, state.folded)
  const all = counts.reduce((sum, [, number]) => sum + number, 0)
  const left = Object.values(state.folded ?? {}).reduce((sum, number) => sum + number, 0)
  return (
    <p class="summary">
      <span>{counted(all, 'worker')}</span>
      {counts.map(([one, number]) => (
        <Link key={one} to={{ fields: { ...fields, state: fields['state'] === one ? '' : one } }}>
          <StatusMark status={one}>{`${count(number)} ${one}`}</StatusMark>
        </Link>
      ))}
      <StateAge at={state.at} />
      {left > 0 && <span class="dim">of which {count(left)} aren't listed: only the first 1,000 are</span>}
    </p>
  )
}

/** The state of the process that answers comes each second. That of another is some seconds old, which is said. */
const FRESH_MS = 5_000

function StateAge({ at }: { readonly at: string }) {
  const now = useNow()
  const { replica } = usePage().route
  if (replica === undefined && now - (instant(at) ?? now) < FRESH_MS) return null
  return (
    <span class="dim">
      as of <Age at={at} />
    </span>
  )
}

/** One that runs and does not do its work is shown as what it is. */
function StateOf({ node }: { readonly node: TreeRow['node'] }) {
  return isFiring(node) ? (
    <StatusMark status="firing">{`${node.state}, firing`}</StatusMark>
  ) : (
    <StatusMark status={node.state} />
  )
}

function columnsOf(state: State, toggle: (row: TreeRow) => void): Column<TreeRow>[] {
  return [
    { name: 'worker', title: 'Worker', cell: (row) => <WorkerName row={row} toggle={toggle} /> },
    { name: 'state', title: 'State', cell: ({ node }) => <StateOf node={node} /> },
    {
      name: 'since',
      title: 'For',
      cell: ({ node }) => <For since={node.since} />,
      isNumber: true,
      isExtra: true,
    },
    { name: 'now', title: 'Now', cell: (row) => <Doing row={row} state={state} />, isWide: true },
    {
      name: 'restarts',
      title: 'Restarts',
      cell: ({ node }) => <Quiet value={node.restarts} />,
      isNumber: true,
    },
    {
      name: 'missed',
      title: 'Missed',
      cell: ({ node }) => <Quiet value={node.missed} />,
      isNumber: true,
      isExtra: true,
    },
    {
      name: 'error',
      title: 'Last error',
      cell: ({ node: { lastError } }) =>
        lastError && (
          <>
            <FirstLine text={`${lastError.name}: ${lastError.message}`} />{' '}
            <span class="dim nowrap">
              <Age at={lastError.at} />
            </span>
          </>
        ),
      isWide: true,
    },
  ]
}

/** The indentation is by level, in the style sheet, up to where it would take the place of names. */
function WorkerName({ row, toggle }: { readonly row: TreeRow; toggle(row: TreeRow): void }) {
  const { name, node, level } = row
  // For the mouse: by keyboard, arrows do the same to the row.
  const onClick = (event: MouseEvent): void => {
    event.stopPropagation()
    toggle(row)
  }
  return (
    <span class={`worker-name level-${Math.min(level, 8)}`}>
      <span class="twist" aria-hidden="true" onClick={row.beneath > 0 ? onClick : undefined} />
      <span class="name">{name}</span> <span class="dim kind">{node.strategy ?? node.kind}</span>
    </span>
  )
}

function Quiet({ value }: { readonly value: number }) {
  return value === 0 ? <span class="zero">0</span> : <strong>{count(value)}</strong>
}

/** What a worker does now, or does next. */
function Doing({ row: { path, node }, state }: { readonly row: TreeRow; readonly state: State }) {
  const now = useNow()
  if (path === '') return <ProcessFacts state={state} />
  const { running, nextRunAt, detail } = node
  if (running !== undefined) {
    const { startedAt, progress } = running
    return (
      <>
        running for <For since={startedAt} /> {progress !== undefined && <ProgressBar progress={progress} />}
      </>
    )
  }
  if (nextRunAt !== undefined) {
    return (
      <span class="dim">
        {(instant(nextRunAt) ?? now) < now ? 'due' : 'next'} <Age at={nextRunAt} />
      </span>
    )
  }
  const brief = briefOf(detail)
  return brief === '' ? null : <span class="dim">{brief}</span>
}

/** What of a module's details tells how busy it is. */
function briefOf(detail: unknown): string {
  if (typeof detail !== 'object' || detail === null) return ''
  const { running, concurrency, tasks, processes, held } = detail as Readonly<Record<string, unknown>>
  if (Array.isArray(running) && typeof concurrency === 'number') {
    return `${running.length} of ${counted(concurrency, 'job')}`
  }
  if (Array.isArray(tasks) && typeof concurrency === 'number') {
    return `${tasks.length} of ${counted(concurrency, 'unit')}`
  }
  if (Array.isArray(processes)) return counted(processes.length, 'process', 'processes')
  if (held === true) return 'holds its lease'
  return held === false ? 'another holds its lease' : ''
}

function ProcessFacts({ state: { loop, memory } }: { readonly state: State }) {
  return (
    <>
      loop busy {percent(loop.utilization)}, p99 {duration(loop.p99)} · memory {bytes(memory.rss)}
    </>
  )
}
