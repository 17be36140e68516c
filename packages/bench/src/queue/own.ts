import { median } from '../measure.ts'
import { printTable } from '../table.ts'
import { type Bench, scaled } from './cases.ts'

const WHOLE = { maximumFractionDigits: 0 }

/** runutil alone, in PGlite in memory. */
export async function printPglite({ programs, ...bench }: Bench, rounds: number): Promise<void> {
  const measured: { enqueued: number; drained: number }[] = []
  const count = scaled({ programs, ...bench }, 5_000)
  for (let round = 0; round < rounds; round++) {
    measured.push(await programs.run('pglite', 'runutil', { count, concurrency: 10 }))
  }
  const of = (key: 'enqueued' | 'drained'): string =>
    median(measured.map((one) => one[key])).toLocaleString('en', WHOLE)
  printTable(
    'jobs/s of runutil in PGlite, of 5,000',
    ['enqueued in one call', 'drained'],
    [[of('enqueued'), of('drained')]],
  )
}

/** The heap of runutil's worker over a drain of a million. */
export async function printMemory(bench: Bench): Promise<void> {
  const count = scaled(bench, 1_000_000)
  const { heapMb, rssMb } = await bench.withStore('runutil', {}, async (store) => {
    const { url } = store
    await bench.programs.run('fill', 'runutil', { url, count })
    await store.settle()
    const options = { url, count, every: count / 10, concurrency: 10 }
    return bench.programs.run<{ heapMb: number[]; rssMb: number }>('memory', 'runutil', options)
  })
  printTable(
    `MB of heap in use, after a collection, of a worker that drains ${count.toLocaleString('en')} jobs`,
    heapMb.map((_, tenth) => `${tenth + 1}0 %`).concat('resident at the end'),
    [[...heapMb, rssMb].map((mb) => mb.toFixed(1))],
  )
}
