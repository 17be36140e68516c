import { useRef } from 'preact/hooks'
import { bounded, clockTime, count, duration, number } from '../../format.ts'
import { usePage } from '../page-context.ts'
import { Plot } from '../parts/plot.tsx'
import type { Series } from '../parts/plot-lines.ts'
import {
  type Kind,
  type KindSample,
  backlogOf,
  latencyOf,
  sum,
  throughputOf,
  withSample,
} from './kind-history.ts'

/** Kept while the page is open, whatever view is shown. */
let history: readonly KindSample[] = []

/** Of the kind that the filters name, or of all: throughput, latency and backlog. */
export function KindPlots({ kinds }: { readonly kinds: readonly Kind[] }) {
  const { kind } = usePage().route.fields
  const last = useRef<readonly Kind[] | undefined>(undefined)
  if (last.current !== kinds) {
    last.current = kinds
    history = withSample(history, kinds, Date.now())
  }
  const throughput = throughputOf(kinds, kind)
  const latency = latencyOf(history, kind)
  const backlog = backlogOf(history, kind)
  const seenSince = history[0] === undefined ? '' : `, seen since ${clockTime(history[0].at)}`
  return (
    <section class="plots" aria-label={kind === undefined ? 'All kinds over time' : `${kind} over time`}>
      <Plot
        title="Throughput per minute"
        {...throughput}
        format={number}
        summary={`${totals(throughput.series)} in the hour before this minute`}
      />
      <Plot
        title={kind === undefined ? 'Latency, slowest kind' : 'Latency'}
        {...latency}
        format={duration}
        summary={`of the last hour${seenSince}`}
      />
      <Plot title="Backlog" {...backlog} format={bounded} summary={`jobs now due and running${seenSince}`} />
    </section>
  )
}

function totals(series: readonly Series[]): string {
  return series
    .map(({ name, values }) => `${count(sum(values.map((value) => value ?? 0)))} ${name}`)
    .join(', ')
}
