import type { WorkerState } from '../../core/worker-state.ts'
import type { State, StateNode } from './read-model.ts'

/** A worker in its place in the tree. */
export interface TreeRow {
  readonly path: string
  /** Without the path of what it is in. */
  readonly name: string
  readonly node: StateNode
  /** That of the root is 1. */
  readonly level: number
  /** How many workers are beneath it. */
  readonly beneath: number
}

export interface TreeFilter {
  /** Part of a path or a kind. */
  readonly text?: string | undefined
  readonly state?: string | undefined
}

/** The worst first. */
export const STATES: readonly WorkerState[] = [
  'failed',
  'hung',
  'abandoned',
  'restarting',
  'paused',
  'stopped',
  'stopping',
  'starting',
  'waiting',
  'ready',
  'done',
]

/** The workers, each after the one that it is in. One whose own is left out is in the next that is there. */
export function treeRows(workers: State['workers']): TreeRow[] {
  const children = new Map<string, string[]>()
  for (const path of Object.keys(workers)) {
    if (path === '') continue
    const parent = parentOf(path, workers)
    const siblings = children.get(parent)
    if (siblings === undefined) children.set(parent, [path])
    else siblings.push(path)
  }
  const rows: TreeRow[] = []
  const enter = (path: string, level: number, parent: string): number => {
    const at = rows.length
    const node = workers[path]
    const name = nameOf(path, parent)
    if (node !== undefined) rows.push({ path, name, node, level, beneath: 0 })
    let beneath = 0
    for (const child of children.get(path) ?? []) beneath += 1 + enter(child, level + 1, path)
    if (node !== undefined) rows[at] = { path, name, node, level, beneath }
    return beneath
  }
  enter('', 1, '')
  return rows
}

function parentOf(path: string, workers: State['workers']): string {
  let parent = path
  do parent = parent.slice(0, parent.lastIndexOf('/'))
  while (parent !== '' && !Object.hasOwn(workers, parent))
  return parent
}

/** What is left of the rows when some are folded. Those that match a filter are shown with all that they are in. */
export function shownRows(
  rows: readonly TreeRow[],
  folded: ReadonlySet<string>,
  filter: TreeFilter,
): readonly TreeRow[] {
  if (!filter.text && !filter.state) return withoutFolded(rows, folded)
  const kept = new Set<TreeRow>()
  const above: TreeRow[] = []
  for (const row of rows) {
    above.length = row.level - 1
    above.push(row)
    if (matches(row, filter)) for (const one of above) if (one !== undefined) kept.add(one)
  }
  return rows.filter((row) => kept.has(row))
}

function withoutFolded(rows: readonly TreeRow[], folded: ReadonlySet<string>): readonly TreeRow[] {
  let foldedLevel = Infinity
  return rows.filter(({ path, level }) => {
    if (level > foldedLevel) return false
    foldedLevel = folded.has(path) ? level : Infinity
    return true
  })
}

function matches({ path, node }: TreeRow, { text = '', state = '' }: TreeFilter): boolean {
  const isText = `${path} ${node.kind}`.toLowerCase().includes(text.toLowerCase())
  return isText && (state === '' || node.state === state) && path !== ''
}

/** How many workers are in which state, the worst state first; supervisors and classes aren't counted. */
export function stateCounts(
  workers: State['workers'],
  folded: State['folded'],
): readonly (readonly [WorkerState, number])[] {
  const counts: Partial<Record<string, number>> = { ...folded }
  for (const [path, { state, kind }] of Object.entries(workers)) {
    if (path !== '' && kind !== 'class') counts[state] = (counts[state] ?? 0) + 1
  }
  return STATES.flatMap((state) => (counts[state] === undefined ? [] : [[state, counts[state]] as const]))
}

/** Whether a worker runs and does not do its work, such as a queue's while the database is away: no other state shows it. */
export function isFiring({ kind, state, health }: FiringNode): boolean {
  return health === 'firing' && state === 'ready' && kind !== 'supervisor' && kind !== 'class'
}

type FiringNode = Pick<StateNode, 'kind'> & { readonly state: string; readonly health?: StateNode['health'] }

function nameOf(path: string, parent: string): string {
  return path === '' ? 'this process' : path.slice(parent.length + 1)
}
