import { CONTENDERS, type ContenderName } from './contenders.ts'
import type { Programs } from './program.ts'
import type { Store, StoreOptions } from './stores.ts'

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

/** One call that enqueues so many jobs. */
export function bulk(count: number): Measure<number> {
  return (bench, contender) =>
    bench.withStore(contender, { leavesJobs: true }, async ({ url }) => {
      const options = { url, count: scaled(bench, count) }
      return (await bench.programs.run<PerSecond>('bulk', contender, options)).perSecond
    })
}

/** Callers that enqueue one job after another. */
export function single(callers: number): Measure<number> {
  return (bench, contender) =>
    bench.withStore(contender, { leavesJobs: true }, async ({ url }) => {
      const options = { url, callers, ms: Math.max(200, 3_000 * bench.scale) }
      return (await bench.programs.run<PerSecond>('single', contender, options)).perSecond
    })
}

/** One worker process that runs what waits. */
export function drain(count: number, concurrency: number | 'best', batchOfOne = false): Measure<number> {
  return (bench, contender) => {
    if (batchOfOne && !['runutil', 'graphile-worker'].includes(contender)) return undefined
    return bench.withStore(contender, {}, (store) =>
      fillAndDrain(bench, contender, store, { count, concurrency, batchOfOne }),
    )
  }
}

/** As `drain`, again and again while another connection holds a transaction open for a minute: the last rate. */
export function drainBesideTransaction(count: number): Measure<number> {
  return (bench, contender) => {
    if (CONTENDERS[contender].store === 'redis') return undefined
    return bench.withStore(contender, {}, async (store) => {
      const endTransaction = await store.holdTransaction()
      const heldAt = performance.now()
      let perSecond
      do {
        perSecond = await fillAndDrain(bench, contender, store, { count, concurrency: 'best' })
      } while (performance.now() - heldAt < 60_000 * bench.scale)
      await endTransaction()
      return perSecond
    })
  }
}

interface Drain {
  readonly count: number
  readonly concurrency: number | 'best'
  readonly batchOfOne?: boolean
}

async function fillAndDrain(
  bench: Bench,
  contender: ContenderName,
  store: Store,
  given: Drain,
): Promise<number> {
  const { url } = store
  const { bestConcurrency } = CONTENDERS[contender]
  const count = scaled(bench, given.count)
  const concurrency = given.concurrency === 'best' ? bestConcurrency : given.concurrency
  const untilStored = contender === 'runutil'
  await bench.programs.run('fill', contender, { url, count })
  await store.settle()
  const options = { ...given, url, count, concurrency, untilStored }
  return (await bench.programs.run<PerSecond>('drain', contender, options)).perSecond
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
