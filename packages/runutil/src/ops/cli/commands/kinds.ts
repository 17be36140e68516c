import type { KindStats } from '../../../queue/kind-stats.ts'
import { bounded, count, duration, instant } from '../../format.ts'
import type { Aged, AsJson } from '../../views/read-model.ts'
import type { CliCommand } from '../command.ts'
import { lastingSince } from '../text/lasting.ts'
import type { Column } from '../text/table.ts'

export type Kind = AsJson<KindStats>

export interface KindList extends Aged {
  readonly kinds: readonly Kind[]
}

export const KINDS: CliCommand = {
  usage: 'kinds',
  about: 'the kinds of jobs, and how many of each there are',
  run: async ({ api, isJson, output }) => {
    const list = await api.get<KindList>('kinds')
    if (isJson) return void output.json(list)
    if (list.kinds.length === 0) output.line('no kind is known yet')
    else output.table(kindColumns(instant(list.at) ?? 0), list.kinds)
  },
}

/** @param now by the clock of the process, in ms since the epoch */
export function kindColumns(now: number): readonly Column<Kind>[] {
  return [
    { title: 'KIND', text: ({ kind }) => kind },
    {
      title: 'STATE',
      text: ({ paused }) => (paused ? 'paused' : ''),
      tone: () => 'warn',
    },
    counts('DUE', ({ due }) => due),
    { title: 'OLDEST', text: ({ oldestDueAt }) => lastingSince(oldestDueAt, now), align: 'right' },
    counts('WAITING', ({ waiting }) => waiting),
    counts('BLOCKED', ({ blocked }) => blocked),
    counts('RUNNING', ({ running }) => running),
    {
      ...counts('FAILED', ({ failed }) => failed),
      tone: ({ failed }) => (failed > 0 ? 'bad' : 'plain'),
    },
    { title: 'DONE/H', text: ({ perMinute }) => count(doneIn(perMinute)), align: 'right' },
    { title: 'WAIT P95', text: ({ waitMs }) => lengthOf(waitMs?.p95), align: 'right' },
    { title: 'HANDLE P95', text: ({ handleMs }) => lengthOf(handleMs?.p95), align: 'right' },
  ]
}

function counts(title: string, of: (kind: Kind) => number): Column<Kind> {
  return { title, text: (kind) => bounded(of(kind)), align: 'right' }
}

function doneIn(perMinute: Kind['perMinute']): number {
  return perMinute.reduce((sum, { done }) => sum + done, 0)
}

function lengthOf(ms: number | undefined): string {
  return ms === undefined ? '' : duration(ms)
}
