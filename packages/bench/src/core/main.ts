// The core's benchmarks: (a) CPU time of repeated jobs, (b) memory of idle workers, (c) starting and stopping many, (d) restarts.
// `--once` runs each once and small, to see that it runs.
import { inRounds, median, program, ratio } from '../measure.ts'
import { printMachine, printTable } from '../table.ts'

const once = process.argv.includes('--once')
const rounds = once ? 1 : 5
const [warmMs, measureMs] = once ? [200, 300] : [3_000, 5_000]

printMachine()
await cpuOfTicking('sync')
await cpuOfTicking('async')
await memoryOfIdleWorkers()
await startAndAbort()
await restarts()

async function cpuOfTicking(kind: 'sync' | 'async'): Promise<void> {
  const contenders = ['setInterval', 'runutil', 'toad-scheduler', 'effect', 'croner'] as const
  const measured = await inRounds(contenders, rounds, async (contender) => {
    const [workers, everyMs] = contender === 'croner' ? [10_000, 1_000] : [1_000, 10]
    const args = [
      contender,
      kind,
      workers,
      everyMs,
      warmMs,
      contender === 'croner' ? Math.max(measureMs, 1_000) : measureMs,
    ]
    const { ticks, cpuMs } = await program<{ ticks: number; cpuMs: number }>('core/ticking.mjs', args)
    return (cpuMs * 1e6) / Math.max(1, ticks)
  })
  printTable(
    `(a) 1,000 ${kind} jobs every 10 ms: CPU time (croner: 10,000 jobs every second)`,
    ['contender', 'ns a run, median', 'ratio to setInterval, median of rounds'],
    contenders.map((name) => [
      name,
      median(measured[name]).toFixed(0),
      ratio(measured[name], measured.setInterval).toFixed(2),
    ]),
  )
}

async function memoryOfIdleWorkers(): Promise<void> {
  const count = once ? 10_000 : 100_000
  const kinds = ['repeat', 'listen'] as const
  const measured = await inRounds(kinds, once ? 1 : 3, async (kind) => {
    return (await program<{ bytesEach: number }>('core/group.mjs', [kind, count], ['--expose-gc'])).bytesEach
  })
  printTable(
    `(b) heap of an idle worker, of ${count.toLocaleString('en')}`,
    ['worker', 'bytes, median'],
    kinds.map((kind) => [
      kind === 'repeat' ? "repeat('1h', job)" : 'a function',
      median(measured[kind]).toFixed(0),
    ]),
  )
}

async function startAndAbort(): Promise<void> {
  const counts = once ? [1_000] : [1_000, 10_000, 100_000]
  const cases = counts.flatMap((count) => [`repeat ${count}`, `listen ${count}`])
  const measured = await inRounds(cases, rounds, async (name) => {
    const { startMs, abortMs } = await program<{ startMs: number; abortMs: number }>(
      'core/group.mjs',
      name.split(' '),
      ['--expose-gc'],
    )
    return startMs + abortMs
  })
  printTable(
    '(c) to start and to abort a group, in ms',
    ['workers', "repeat('1h', job)", 'functions that listen to their signal'],
    counts.map((count) => [
      count.toLocaleString('en'),
      median(measured[`repeat ${count}`]!).toFixed(0),
      median(measured[`listen ${count}`]!).toFixed(0),
    ]),
  )
}

async function restarts(): Promise<void> {
  const groups = ['1', '101'] as const
  const measured = await inRounds(groups, rounds, async (workers) => {
    const args = [Number(workers) - 1, once ? 500 : 10_000]
    return (await program<{ usEach: number }>('core/restarts.mjs', args)).usEach
  })
  printTable(
    '(d) CPU time of a restart without delay: the failure, the decision, a turn of the event loop and the start',
    ['workers in the group', 'µs, median'],
    groups.map((workers) => [workers, median(measured[workers]).toFixed(1)]),
  )
}
