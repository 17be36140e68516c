// The pool's benchmarks: round trips on all cores and on one, start of 16 workers, memory a worker in the parent.
// `--one-core` runs only the round trips on one core.
// `--once` runs each once and small, to see that it runs.
import { hasOneCore, inRounds, median, program, ratio } from '../measure.ts'
import { printMachine, printTable } from '../table.ts'

const once = process.argv.includes('--once')
const rounds = once ? 1 : 5
const durationMs = once ? 100 : 1_500
const peers = ['tinypool', 'workerpool', 'jest-worker'] as const
const ours = ['runutil', 'runutil, pipelining 8', 'runutil, spin'] as const
const all = ['bare loop', 'bare, child of runutil', ...ours, ...peers] as const
const cases = [
  { title: '1 worker in sequence, 100 B', processes: 1, callers: 1, bytes: 100 },
  { title: '1 worker in sequence, 64 KiB', processes: 1, callers: 1, bytes: 65_536 },
  { title: '2 workers, 16 callers, 100 B', processes: 2, callers: 16, bytes: 100 },
  { title: '2 workers, 16 callers, 64 KiB', processes: 2, callers: 16, bytes: 65_536 },
] as const

printMachine()
if (!process.argv.includes('--one-core')) {
  for (const one of cases) await roundTrips(one, false)
  await startUp()
}
// Nothing has to be woken elsewhere: what counts is the CPU time of both ends.
if (hasOneCore) for (const one of once ? cases.slice(0, 1) : cases) await roundTrips(one, true)

interface RoundTrips {
  perSecond: number
  /** Of all processes; null where the system doesn't tell. */
  cpuMicros: number | null
}

async function roundTrips(
  { title, processes, callers, bytes }: (typeof cases)[number],
  onOneCore: boolean,
): Promise<void> {
  const cpu: Partial<Record<string, number[]>> = {}
  const measured = await inRounds(all, rounds, async (contender) => {
    const args = [contender, processes, callers, bytes, durationMs]
    const result = await program<RoundTrips>('pool/round-trips.mjs', args, [], onOneCore)
    ;(cpu[contender] ??= []).push(result.cpuMicros ?? NaN)
    return result.perSecond
  })
  printTable(
    onOneCore ? `${title}, on one core` : title,
    [
      'contender',
      'round trips a second, median',
      'CPU µs of one, median',
      'runutil to it, median of rounds',
      'pipelining 8 to it',
      'spin to it',
    ],
    all.map((name) => [
      name,
      Math.round(median(measured[name])).toLocaleString('en'),
      median(cpu[name]!).toFixed(1),
      ...ours.map((own) => ratio(measured[own], measured[name]).toFixed(2)),
    ]),
  )
}

async function startUp(): Promise<void> {
  const contenders = ['runutil', ...peers] as const
  const memory: Partial<Record<string, number[]>> = {}
  const measured = await inRounds(contenders, once ? 1 : 3, async (contender) => {
    const result = await program<{ ms: number; bytesEach: number }>(
      'pool/start-up.mjs',
      [contender],
      ['--expose-gc'],
    )
    ;(memory[contender] ??= []).push(result.bytesEach)
    return result.ms
  })
  printTable(
    '16 workers',
    ['contender', 'ms until all have answered, median', 'bytes a worker in the parent, median'],
    contenders.map((name) => [
      name,
      median(measured[name]).toFixed(0),
      Math.round(median(memory[name]!)).toLocaleString('en'),
    ]),
  )
}
