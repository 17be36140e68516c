import { median } from '../measure.ts'
import { printTable } from '../table.ts'
import { type Bench, scaled } from './cases.ts'

const WHOLE = { maximumFractionDigits: 0 }

interface Measured {
  readonly plain: number
  readonly chains: number
  readonly unique: number
  readonly list: number
  readonly stats: number
  readonly retried: number
}

/** runutil alone: jobs that use more of the queue than its peers have, and an operator's calls. */
export async function printFeatures(bench: Bench, rounds: number): Promise<void> {
  const count = scaled(bench, 100_000)
  const failed = scaled(bench, 1_000_000)
  const measured: Measured[] = []
  for (let round = 0; round < rounds; round++) {
    const options = { count, failed, ms: Math.max(100, 3_000 * bench.scale) }
    measured.push(
      await bench.withStore('runutil', {}, ({ url }) =>
        bench.programs.run<Measured>('features', 'runutil', { url, ...options }),
      ),
    )
  }
  const of = (key: keyof Measured): number => median(measured.map((one) => one[key]))
  const whole = (value: number): string => value.toLocaleString('en', WHOLE)
  printTable(
    `runutil: ${whole(count)} jobs in chains of 10 drained, unique jobs enqueued by 10 callers, and calls with ${whole(failed)} failed jobs`,
    ['chains, jobs/s', 'to plain', 'unique, jobs/s', 'list, ms', 'stats, ms', 'retry by query, jobs/s'],
    [
      [
        whole(of('chains')),
        (of('chains') / of('plain')).toFixed(2),
        whole(of('unique')),
        of('list').toFixed(1),
        of('stats').toFixed(1),
        whole(of('retried')),
      ],
    ],
  )
}
