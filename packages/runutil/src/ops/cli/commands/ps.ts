import { age, bytes, count, duration, instant } from '../../format.ts'
import type { State, StateNode } from '../../views/read-model.ts'
import { isFiring, stateCounts, treeRows } from '../../views/tree-rows.ts'
import type { CliCommand } from '../command.ts'
import { lastingSince } from '../text/lasting.ts'
import { progressText } from '../text/progress-text.ts'
import { printable } from '../text/printable.ts'
import { toneOf } from '../text/style.ts'
import type { Column } from '../text/table.ts'

export const PS: CliCommand = {
  usage: 'ps',
  about: 'the workers of a process, as a tree',
  options: [['--replica <id>', 'of which process; default: the one that answers']],
  run: async ({ api, options, isJson, output }) => {
    const state = await api.get<State>('state', { replica: options.text('replica') })
    if (isJson) return void output.json(state)
    output.line(headOf(state))
    output.table(workerColumns(instant(state.at) ?? 0), treeRows(state.workers))
  },
}

/** What holds for the whole process, on one line. */
export function headOf({ replica, workers, folded, loop, memory }: State): string {
  const counts = stateCounts(workers, folded).map(([state, value]) => `${count(value)} ${state}`)
  const delay = loop.p99 === undefined ? '' : `, loop p99 ${duration(loop.p99)}`
  const hidden = folded === undefined ? '' : ', not all of them shown'
  const firing = Object.values(workers).filter(isFiring).length
  const troubled = firing === 0 ? '' : `, of which ${count(firing)} firing`
  return printable(
    `process ${replica}: ${counts.join(', ')}${troubled}${hidden}; memory ${bytes(memory.rss)}${delay}`,
  )
}

/** A worker, or what runs in it. */
export interface WorkerRow {
  readonly name: string
  /** That of the root is 1. */
  readonly level: number
  readonly node: Pick<StateNode, 'kind' | 'since' | 'restarts' | 'running' | 'lastError'> & {
    readonly state: string
    readonly health?: StateNode['health']
  }
}

/** @param now by the clock of the process, in ms since the epoch */
export function workerColumns(now: number): readonly Column<WorkerRow>[] {
  return [
    { title: 'WORKER', text: ({ name, level }) => `${'  '.repeat(level - 1)}${name}` },
    { title: 'KIND', text: ({ node }) => node.kind },
    { title: 'STATE', text: ({ node }) => node.state, tone: ({ node }) => toneOf(node.state) },
    { title: 'HEALTH', text: ({ node }) => (isFiring(node) ? 'firing' : ''), tone: () => 'bad' },
    { title: 'FOR', text: ({ node }) => lastingSince(node.since, now), align: 'right' },
    { title: 'RESTARTS', text: ({ node }) => count(node.restarts), align: 'right' },
    { title: 'PROGRESS', text: ({ node }) => progressText(node.running?.progress) },
    { title: 'LAST ERROR', text: ({ node }) => errorText(node.lastError, now), gives: true },
  ]
}

function errorText(error: StateNode['lastError'], now: number): string {
  return error === undefined ? '' : `${error.message}, ${age(instant(error.at), now)}`
}
