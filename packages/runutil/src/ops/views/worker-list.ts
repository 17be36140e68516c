import type { WorkerRecord } from '../../core/worker-record.ts'
import type { HealthState, WorkerState } from '../../core/worker-state.ts'
import { NO_ROOT, type WorkerNode, nodeAlone } from '../../runtime/worker-node.ts'

/** A tree without its branches. */
export interface WorkerList {
  /** Each worker, class and supervisor after the one that it is in; without their children. */
  readonly nodes: readonly Omit<WorkerNode, 'children'>[]
  /** How many of those left out are in which state; undefined if all are there. */
  readonly folded?: Readonly<Partial<Record<WorkerState, number>>>
}

/** That of a Runtime before its first run. */
export const NO_WORKERS: WorkerList = { nodes: [NO_ROOT] }

interface Entry {
  readonly record: WorkerRecord
  readonly health: HealthState
}

/** States in which a worker needs to be seen. */
const URGENT: ReadonlySet<WorkerState> = new Set(['restarting', 'hung', 'failed', 'abandoned'])

/**
 * The workers of a run as a list of at most `most`. Of more, those that are in trouble stay, then the first. Only of those that stay
 * are details made, so that a tree of any size costs little.
 */
export function workerList(root: WorkerRecord, most: number): WorkerList {
  const all: Entry[] = []
  enter(root, all)
  const kept = all.length <= most ? undefined : keptOf(all, most)
  const nodes: Omit<WorkerNode, 'children'>[] = []
  const folded: Partial<Record<WorkerState, number>> = {}
  for (const entry of all) {
    const { record, health } = entry
    if (kept === undefined || kept.has(entry)) nodes.push(nodeAlone(record, health))
    else folded[record.state] = (folded[record.state] ?? 0) + 1
  }
  return kept === undefined ? { nodes } : { nodes, folded }
}

/** @returns its health: for a supervisor or class, the worst of its workers */
function enter(record: WorkerRecord, all: Entry[]): HealthState {
  const at = all.push({ record, health: record.health }) - 1
  const { children = [] } = record
  if (children.length === 0) return record.health
  let health: HealthState = 'ok'
  for (const child of children) health = worseOf(health, enter(child, all))
  all[at] = { record, health }
  return health
}

function worseOf(a: HealthState, b: HealthState): HealthState {
  if (a === 'firing' || b === 'firing') return 'firing'
  return a === 'init' || b === 'init' ? 'init' : 'ok'
}

/** The root, then those in trouble, then the others, each in the order of the tree. */
function keptOf(all: readonly Entry[], most: number): Set<Entry> {
  const kept = new Set<Entry>(all.slice(0, 1))
  for (const entry of all) if (kept.size < most && isUrgent(entry)) kept.add(entry)
  for (const entry of all) if (kept.size < most) kept.add(entry)
  return kept
}

/** A group is as bad as its workers, which are seen themselves. */
function isUrgent({ record, health }: Entry): boolean {
  return URGENT.has(record.state) || (health === 'firing' && (record.children ?? []).length === 0)
}
