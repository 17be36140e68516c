import type { Progress } from '../../../core/progress.ts'
import type { AsJson } from '../../views/read-model.ts'
import { STATES, type TreeRow, shownRows, treeRows } from '../../views/tree-rows.ts'
import type { WorkerRow } from '../commands/ps.ts'
import type { TopModel } from './top-model.ts'

/** The workers in the order and selection of the model, with the jobs that report how far they have got. */
export function workerRows({ state, filter, workerSort }: TopModel): readonly WorkerRow[] {
  if (state === undefined) return []
  const rows = treeRows(state.workers)
  if (workerSort === 'tree') return shownRows(rows, new Set(), { text: filter }).flatMap(withJobs)
  return shownRows(rows, new Set(), { text: filter })
    .filter(({ path, beneath }) => path !== '' && beneath === 0)
    .sort(ORDERS[workerSort])
    .map((row) => ({ ...row, name: row.path, level: 1 }))
    .flatMap(withJobs)
}

const ORDERS = {
  state: (one: TreeRow, other: TreeRow) => STATES.indexOf(one.node.state) - STATES.indexOf(other.node.state),
  restarts: (one: TreeRow, other: TreeRow) => other.node.restarts - one.node.restarts,
  newest: (one: TreeRow, other: TreeRow) => Date.parse(other.node.since) - Date.parse(one.node.since),
} as const

interface Job {
  readonly id: string
  readonly kind: string
  readonly since: string
  readonly progress?: AsJson<Progress>
}

/** So many of a queue. */
const MOST_JOBS = 10

/** Below a queue, those of its jobs that report progress. */
function withJobs(row: TreeRow): WorkerRow[] {
  const { running = [] } = (row.node.detail ?? {}) as { readonly running?: readonly Job[] }
  if (row.node.kind !== 'queue') return [row]
  const shown = running.filter(({ progress }) => progress !== undefined).slice(0, MOST_JOBS)
  return [row, ...shown.map((job) => jobRow(row, job))]
}

function jobRow({ level }: TreeRow, { id, kind, since, progress }: Job): WorkerRow {
  const running = { startedAt: since, traceId: '', ...(progress !== undefined && { progress }) }
  const node = { kind: 'job', state: 'running', since, restarts: 0, running }
  return { name: `${kind} ${id}`, level: level + 1, node }
}
