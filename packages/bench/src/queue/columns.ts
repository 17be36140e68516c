import {
  type CallRates,
  type Latency,
  type Measure,
  bulk,
  bulkOnce,
  drain,
  drainChains,
  latency,
  single,
} from './cases.ts'
import type { Columns } from './report.ts'
import type { Own, Part } from './settings.ts'

interface Table {
  readonly title: string
  readonly columns: Columns
  /** After the point. Default 0. */
  readonly digits?: number
}

/** What each part measures, in the order of its tables. */
export const columnsOf: Readonly<Record<Exclude<Part, Own>, readonly Table[]>> = {
  bulk: [
    { title: 'jobs/s enqueued in one call of 10,000', columns: firstAndLater(bulk(10_000)) },
    { title: 'jobs/s enqueued in one call of 100,000', columns: firstAndLater(bulk(100_000)) },
  ],
  single: [
    {
      title: 'jobs/s enqueued one by one',
      columns: { '1 caller': single(1), '10 callers': single(10), '50 callers': single(50) },
    },
  ],
  drain: [
    {
      title: 'jobs/s drained, of 100,000, by concurrency',
      columns: {
        '1': drain(100_000, 1),
        '10': drain(100_000, 10),
        '100': drain(100_000, 100),
        'its best': drain(100_000, 'best'),
      },
    },
  ],
  ones: [
    {
      title: 'jobs/s drained, of 20,000, one job at a time',
      columns: { 'concurrency 1': drain(20_000, 1, true) },
    },
  ],
  latency: [
    { title: 'ms from enqueueing to the handler, idle queue', columns: bothOf(latency(300)), digits: 2 },
  ],
  shared: [
    {
      title: 'jobs/s, of 20,000, with features that others have too',
      columns: {
        'chains of 10 drained at 10': drainChains(20_000, 10, 10),
        'plain ones drained at 10': drain(20_000, 10),
        'unique ones by 10 callers': single(10, true),
        'plain ones by 10 callers': single(10),
      },
    },
  ],
  history: allAgain('with 1,000,000 future and 1,000,000 ended jobs'),
  held: allAgain('after a minute beside an open transaction'),
}

function allAgain(circumstances: string): readonly Table[] {
  return [
    {
      title: `jobs/s ${circumstances}`,
      columns: {
        'one call, 10,000': bulkOnce(10_000),
        'one call, 100,000': bulkOnce(100_000),
        '1 caller': single(1),
        '10 callers': single(10),
        '50 callers': single(50),
        'drain at 1': drain(100_000, 1),
        'drain at 10': drain(100_000, 10),
        'drain at 100': drain(100_000, 100),
        'drain at its best': drain(100_000, 'best'),
        'drain one by one': drain(20_000, 1, true),
      },
    },
    {
      title: `ms from enqueueing to the handler ${circumstances}`,
      columns: bothOf(latency(300)),
      digits: 2,
    },
  ]
}

function bothOf(measure: Measure<Latency>): Columns {
  return inOneRun(measure, { p50: ({ p50 }) => p50, p99: ({ p99 }) => p99 })
}

function firstAndLater(measure: Measure<CallRates>): Columns {
  return inOneRun(measure, {
    'the first of its size': ({ first }) => first,
    'later ones': ({ later }) => later,
  })
}

/** One run gives all: the columns after the first read what that has measured. */
function inOneRun<T>(
  measure: Measure<T>,
  values: Readonly<Record<string, (measured: T) => number>>,
): Columns {
  const last = new Map<string, T>()
  return Object.fromEntries(
    Object.entries(values).map(([title, valueOf], at): [string, Measure<number>] => [
      title,
      async (bench, contender) => {
        if (at === 0) last.set(contender, (await measure(bench, contender))!)
        return valueOf(last.get(contender)!)
      },
    ]),
  )
}
