import { median } from '../measure.ts'
import { CONTENDERS, type ContenderName } from './contenders.ts'
import type { Programs } from './program.ts'
import type { Store } from './store.ts'
import type { StoreOptions } from './stores.ts'

/** What the cases are measured in: lends a contender a store, fresh or with a history. */
export interface Bench {
  readonly programs: Programs
  readonly scale: number
  withStore<T>(contender: ContenderName, options: StoreOptions, use: (store: Store) => Promise<T>): Promise<T>
}

/** Undefined for a contender that it says nothing about. */
export type Measure<T> = (bench: Bench, contender: ContenderName) => Promise<T> | undefined

interface PerSecond {
  readonly perSecond: number
}

/** Rates of the calls of one process. */
export interface CallRates {
  readonly first: number
  /** The median of those after it. */
  readonly later: number
}

/** Calls that enqueue so many jobs each. */
export function bulk(count: number): Measure<CallRates> {
  return async (bench, contender) => {
    const [first, ...others] = await ratesOfCalls(bench, contender, count, 4)
    return { first: first!, later: median(others) }
  }
}

/** The first call of a process that enqueues so many jobs. */
export function bulkOnce(count: number): Measure<number> {
  return async (bench, contender) => (await ratesOfCalls(bench, contender, count, 1))[0]!
}

async function ratesOfCalls(
  bench: Bench,
  contender: ContenderName,
  count: number,
  calls: number,
): Promise<number[]> {
  return bench.withStore(contender, { leavesJobs: true }, async ({ url }) => {
    const options = { url, count: scaled(bench, count), calls }
    return (await bench.programs.run<{ perSecond: number[] }>('bulk', contender, options)).perSecond
  })
}

/** Callers that enqueue one job after another, with `unique` each with a key of its own. */
export function single(callers: number, unique = false): Measure<number> {
  return (bench, contender) =>
    bench.withStore(contender, { leavesJobs: true, unique }, async ({ url }) => {
      const options = { url, callers, unique, ms: Math.max(200, 3_000 * bench.scale) }
      return (await bench.programs.run<PerSecond>('single', contender, options)).perSecond
    })
}

/** One worker process that runs what waits; a slow one what it can in a while. */
export function drain(count: number, concurrency: number | 'best', batchOfOne = false): Measure<number> {
  return (bench, contender) => {
    if (batchOfOne && !['runutil', 'graphile-worker'].includes(contender)) return undefined
    return bench.withStore(contender, { leavesJobs: true }, async (store) => {
      const given = { count: scaled(bench, count), concurrency, batchOfOne }
      await fill(bench, contender, store, given.count)
      return (await drainOnce(bench, contender, store, given)).perSecond
    })
  }
}

/** The same of jobs in chains of so many, each of which runs after the one before it: of those that have that, and wait for no poll. */
export function drainChains(count: number, chain: number, concurrency: number): Measure<number> {
  return (bench, contender) => {
    if (!['runutil', 'bullmq', 'bullmq-redis'].includes(contender)) return undefined
    return bench.withStore(contender, {}, async (store) => {
      const given = { count: scaled(bench, count), concurrency }
      await fill(bench, contender, store, given.count, { chain })
      return (await drainOnce(bench, contender, store, given)).perSecond
    })
  }
}

/** Fills 100,000 jobs and drains them, again and again. */
export async function drainFor(
  ms: number,
  bench: Bench,
  contender: ContenderName,
  store: Store,
): Promise<void> {
  const count = scaled(bench, 100_000)
  const startedAt = performance.now()
  let waiting = 0
  do {
    if (waiting <= 0) await fill(bench, contender, store, (waiting = count))
    const { ran } = await drainOnce(bench, contender, store, { count: waiting, concurrency: 'best' })
    waiting -= ran
  } while (performance.now() - startedAt < ms)
}

export async function fill(
  bench: Bench,
  contender: ContenderName,
  store: Store,
  count: number,
  options: { readonly keys?: number | undefined; readonly chain?: number } = {},
): Promise<void> {
  await bench.programs.run('fill', contender, { url: store.url, count, ...options })
  await store.settle()
}

interface Drain {
  readonly count: number
  readonly concurrency: number | 'best'
  readonly batchOfOne?: boolean
  /** Of the kind; for runutil alone. */
  readonly limits?: object
}

export async function drainOnce(
  { programs }: Bench,
  contender: ContenderName,
  { url }: Store,
  given: Drain,
): Promise<PerSecond & { readonly ran: number }> {
  const { bestConcurrency } = CONTENDERS[contender]
  const concurrency = given.concurrency === 'best' ? bestConcurrency : given.concurrency
  const untilStored = contender === 'runutil'
  const options = { ...given, url, concurrency, untilStored, limitMs: 15_000 }
  return programs.run('drain', contender, options)
}

export interface Latency {
  readonly p50: number
  readonly p99: number
}

/** From before a job is enqueued in one process to its handler in another, in ms; nothing else to do meanwhile. */
export function latency(count: number): Measure<Latency> {
  return (bench, contender) =>
    bench.withStore(contender, { wakes: true }, async ({ url }) => {
      const concurrency = Math.min(24, Math.max(10, CONTENDERS[contender].bestConcurrency))
      const options = {
        url,
        count: scaled(bench, count),
        warmUp: scaled(bench, 20),
        pauseMs: 30,
        concurrency,
        wakes: true,
      }
      const worker = await bench.programs.startReady<Latency>('pick-up', contender, options)
      await bench.programs.run('trickle', contender, options)
      return worker.result
    })
}

export function scaled({ scale }: Bench, count: number): number {
  return Math.max(10, Math.round(count * scale))
}
