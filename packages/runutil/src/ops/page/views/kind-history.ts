import type { KindStats } from '../../../queue/kind-stats.ts'
import type { AsJson } from '../../views/read-model.ts'
import type { Series } from '../parts/plot-lines.ts'

export type Kind = AsJson<KindStats>

/** What the page has seen of the kinds at one time. */
export interface KindSample {
  /** In ms since the epoch, by the clock of the browser. */
  readonly at: number
  readonly kinds: readonly Pick<Kind, 'kind' | 'due' | 'waiting' | 'running' | 'handleMs' | 'waitMs'>[]
}

const EVERY_MS = 5_000
const KEPT_MS = 3_600_000
/** Between samples that are further apart the page wasn't seen. */
const GAP_MS = 20_000

/** With what is seen now, unless that is too soon, and without what is older than an hour. */
export function withSample(
  history: readonly KindSample[],
  kinds: readonly Kind[],
  now: number,
): readonly KindSample[] {
  const last = history.at(-1)
  if (last !== undefined && now - last.at < EVERY_MS) return history
  return [...history.filter(({ at }) => now - at <= KEPT_MS), { at: now, kinds }]
}

export interface SeenSeries {
  readonly times: readonly number[]
  readonly series: readonly Series[]
}

/** Of a kind, or of all: how many jobs were due, and running. */
export function backlogOf(history: readonly KindSample[], kind: string | undefined): SeenSeries {
  return seen(history, ['due', 'running'], (sample) => {
    const its = of(sample, kind)
    return [sum(its.map(({ due }) => due)), sum(its.map(({ running }) => running))]
  })
}

/** Of a kind, or of the slowest: how long 95 % of its jobs wait, and run, at most. */
export function latencyOf(history: readonly KindSample[], kind: string | undefined): SeenSeries {
  return seen(history, ['handling, p95', 'waiting, p95'], (sample) => {
    const its = of(sample, kind)
    return [
      greatest(its.map(({ handleMs }) => handleMs?.p95)),
      greatest(its.map(({ waitMs }) => waitMs?.p95)),
    ]
  })
}

/** Of a kind, or of all: what became of attempts in each minute of the last hour that is over. */
export function throughputOf(kinds: readonly Kind[], kind: string | undefined): SeenSeries {
  const its = kinds.filter((one) => kind === undefined || one.kind === kind)
  const minutes = its[0]?.perMinute.slice(0, -1) ?? []
  const perMinute = (name: 'done' | 'failed' | 'retried'): Series => {
    const values = minutes.map((_, at) => sum(its.map((one) => one.perMinute[at]?.[name] ?? 0)))
    return { name, values, isBad: name === 'failed' }
  }
  return {
    times: minutes.map(({ at }) => Date.parse(at)),
    series: [perMinute('done'), perMinute('failed'), perMinute('retried')],
  }
}

function seen(
  history: readonly KindSample[],
  names: readonly string[],
  valuesOf: (sample: KindSample) => readonly (number | undefined)[],
): SeenSeries {
  const times: number[] = []
  const columns: (number | undefined)[][] = names.map(() => [])
  for (const [at, sample] of history.entries()) {
    const before = history[at - 1]?.at
    if (before !== undefined && sample.at - before > GAP_MS) {
      times.push(before + 1)
      for (const column of columns) column.push(undefined)
    }
    times.push(sample.at)
    for (const [index, value] of valuesOf(sample).entries()) columns[index]!.push(value)
  }
  return { times, series: names.map((name, index) => ({ name, values: columns[index]! })) }
}

function of({ kinds }: KindSample, kind: string | undefined): KindSample['kinds'] {
  return kind === undefined ? kinds : kinds.filter((one) => one.kind === kind)
}

export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

function greatest(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined)
  return known.length === 0 ? undefined : Math.max(...known)
}
