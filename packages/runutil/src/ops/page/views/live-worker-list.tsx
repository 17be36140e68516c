import type { LiveWorkerDetail } from '../../../dispatch/worker-loop.ts'
import type { AsJson } from '../../views/read-model.ts'
import { useLive, usePage } from '../page-context.ts'
import { For } from '../parts/age.tsx'
import { Count } from '../parts/count.tsx'
import { type Column, DataTable } from '../parts/data-table.tsx'
import { ClearFilters, FilterBar, TextFilter } from '../parts/filter-bar.tsx'
import { Link } from '../parts/link.tsx'
import { Notice } from '../parts/notice.tsx'
import { ProgressBar } from '../parts/progress-bar.tsx'

/** A worker that performs actions on a target. */
interface LiveWorker extends AsJson<LiveWorkerDetail> {
  /** That its manager sends it. */
  readonly operation: string
}

/** Those that the managers of the process know, whatever process they are in; undefined until it is known. */
export function useLiveWorkers(): readonly LiveWorker[] | undefined {
  const { state } = useLive()
  if (state === undefined) return undefined
  return Object.values(state.workers).flatMap(({ detail }) => {
    const { operation, workers } = (detail ?? {}) as { operation?: string; workers?: unknown }
    if (operation === undefined || !Array.isArray(workers)) return []
    return (workers as AsJson<LiveWorkerDetail>[]).map((worker) => ({ ...worker, operation }))
  })
}

export function LiveWorkerList({ workers }: { readonly workers: readonly LiveWorker[] | undefined }) {
  const { text = '' } = usePage().route.fields
  if (workers === undefined) return <Notice title="Waiting for the state of the process …" />
  if (workers.length === 0) {
    return (
      <Notice title="No worker is live">
        A worker is live from its registration on, by a manager’s <code>workers.register</code>, until it is
        closed or its handler throws. Only managers that run in this process know theirs.
      </Notice>
    )
  }
  const shown = workers.filter(({ operation, target, host }) => {
    return [operation, target, host].some((one) => one.toLowerCase().includes(text.toLowerCase()))
  })
  return (
    <section class="part">
      <FilterBar label="Find live workers">
        <TextFilter name="text" label="Find" hint="target, host, operation" />
        <ClearFilters names={['text']} />
      </FilterBar>
      {shown.length === 0 ? (
        <Notice title="No worker matches">Take the filter away to see more.</Notice>
      ) : (
        <DataTable label="Live workers" rows={shown} columns={COLUMNS} keyOf={keyOf} />
      )}
    </section>
  )
}

function keyOf({ operation, host, target }: LiveWorker): string {
  return JSON.stringify([operation, host, target])
}

const COLUMNS: readonly Column<LiveWorker>[] = [
  {
    name: 'target',
    title: 'Target',
    cell: ({ target }) => <Link to={{ fields: { target } }}>{target}</Link>,
    sortBy: ({ target }) => target,
  },
  { name: 'host', title: 'Host', cell: ({ host }) => host, sortBy: ({ host }) => host },
  {
    name: 'operation',
    title: 'Operation',
    cell: ({ operation }) => operation,
    sortBy: ({ operation }) => operation,
  },
  {
    name: 'since',
    title: 'Live for',
    cell: ({ since }) =>
      since === undefined ? <span class="dim">in another process</span> : <For since={since} />,
    sortBy: ({ since }) => since,
    isNumber: true,
  },
  {
    name: 'queued',
    title: 'Tasks waiting',
    cell: ({ queued }) => <Count value={queued} />,
    sortBy: ({ queued }) => queued,
    isNumber: true,
  },
  {
    name: 'now',
    title: 'Now',
    cell: ({ progress }) => progress !== undefined && <ProgressBar progress={progress} />,
    isWide: true,
  },
]
