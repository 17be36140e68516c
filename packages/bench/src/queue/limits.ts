import { median } from '../measure.ts'
import { printTable } from '../table.ts'
import { type Bench, drainOnce, fill, scaled } from './cases.ts'

const WHOLE = { maximumFractionDigits: 0 }
const KEYS = 10_000

/** Limits that never bind: what they cost is what they cost everyone. */
const LIMITS: Record<string, { readonly limits: object; readonly keys?: number }> = {
  none: { limits: {} },
  'concurrency 1,000': { limits: { concurrency: 1_000 } },
  'keyConcurrency 10, of 10,000 keys': { limits: { keyConcurrency: 10 }, keys: KEYS },
  'rate 10,000,000 an hour': { limits: { rate: { limit: 10_000_000, per: '1h' } } },
}

/** runutil alone, with limits. */
export async function printLimits(bench: Bench, rounds: number): Promise<void> {
  const count = scaled(bench, 50_000)
  // To see that it runs, one is enough.
  const concurrencies = bench.scale < 0.01 ? [10] : [10, 100]
  const rows = Object.keys(LIMITS).map(() => concurrencies.map((): number[] => []))
  for (let round = 0; round < rounds; round++) {
    for (const [row, { limits, keys }] of Object.values(LIMITS).entries()) {
      for (const [column, concurrency] of concurrencies.entries()) {
        const perSecond = await bench.withStore('runutil', {}, async (store) => {
          await fill(bench, 'runutil', store, count, { keys })
          return (await drainOnce(bench, 'runutil', store, { count, concurrency, limits })).perSecond
        })
        rows[row]![column]!.push(perSecond)
      }
    }
  }
  const medians = rows.map((cells) => cells.map((cell) => median(cell)))
  printTable(
    `jobs/s of runutil, of ${count.toLocaleString('en')} of a kind with a limit that never binds`,
    ['limit', ...concurrencies.flatMap((concurrency) => [`concurrency ${concurrency}`, 'to none'])],
    Object.keys(LIMITS).map((name, row) => [
      name,
      ...medians[row]!.flatMap((rate, column) => [
        rate.toLocaleString('en', WHOLE),
        (rate / medians[0]![column]!).toFixed(2),
      ]),
    ]),
  )
}

interface Share {
  readonly ran: number
  readonly from: string
  readonly to: string
}

/** runutil alone, in several processes. */
export async function printProcesses(bench: Bench, rounds: number): Promise<void> {
  const count = scaled(bench, 100_000)
  const counts = [1, 2, 4]
  const rates = counts.map((): number[] => [])
  for (let round = 0; round < rounds; round++) {
    for (const [at, processes] of counts.entries()) {
      rates[at]!.push(await bench.withStore('runutil', {}, (store) => shared(bench, store, count, processes)))
    }
  }
  printTable(
    `jobs/s of runutil in several processes, together, of ${count.toLocaleString('en')}`,
    counts.map((processes) => (processes === 1 ? '1 process' : `${processes} processes`)),
    [rates.map((rate) => median(rate).toLocaleString('en', WHOLE))],
  )
}

async function shared(
  bench: Bench,
  store: Parameters<typeof fill>[2],
  count: number,
  processes: number,
): Promise<number> {
  await fill(bench, 'runutil', store, count)
  const options = { url: store.url, concurrency: 10, quietMs: 1_000 }
  const shares = await Promise.all(
    Array.from({ length: processes }, () => bench.programs.run<Share>('share', 'runutil', options)),
  )
  const busy = shares.filter(({ ran }) => ran > 0)
  const ms = Math.max(...busy.map(({ to }) => Number(to))) - Math.min(...busy.map(({ from }) => Number(from)))
  return busy.reduce((sum, { ran }) => sum + ran, 0) / (ms / 1e9)
}

/** runutil alone: what a poll of an idle worker costs that handles very many kinds. */
export async function printKinds(bench: Bench): Promise<void> {
  const counts = [1, 1_000, 50_000]
  const times: number[] = []
  for (const kinds of counts) {
    const { ms } = await bench.withStore('runutil', {}, ({ url }) =>
      bench.programs.run<{ ms: number }>('kinds', 'runutil', { url, kinds: scaled(bench, kinds) }),
    )
    times.push(ms)
  }
  printTable(
    'ms of a claim that finds nothing, by the kinds of the worker',
    counts.map((kinds) => kinds.toLocaleString('en')),
    [times.map((ms) => ms.toFixed(1))],
  )
}
