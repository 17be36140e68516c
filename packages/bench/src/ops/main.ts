// The benchmarks of operations: (a) what the read model costs a job, (b) what a look costs, (c) what a scrape costs. `--once` runs each once and small, to see
// that it runs.
import { inRounds, median, program } from '../measure.ts'
import { printMachine, printTable } from '../table.ts'

const once = process.argv.includes('--once')
const WITH_TSX = ['--import', 'tsx']

interface Reading {
  readonly stateMs: number
  readonly stateBytes: number
  readonly encodeMs: number
  readonly patchMs: number
  readonly patchBytes: number
  readonly replicasMs: number
  readonly replicasBytes: number
}

printMachine()
await costOfAJob()
await costOfALook()
await costOfAScrape()

async function costOfAJob(): Promise<void> {
  const contenders = ['none', 'model', 'stream'] as const
  const jobs = once ? 5_000 : 300_000
  const measured = await inRounds(contenders, once ? 1 : 9, async (contender) => {
    return (await program<{ nsEach: number }>('ops/drain.ts', [contender, jobs], WITH_TSX)).nsEach
  })
  const labels = { none: 'nobody', model: 'a read model that nobody asks', stream: 'a reader of the events' }
  printTable(
    `(a) CPU time of one of ${jobs.toLocaleString('en')} jobs that do nothing, from its enqueueing on, in memory`,
    ['who looks', 'ns, median', 'more than nobody, median of rounds'],
    contenders.map((name) => {
      const more = measured[name].map((ns, round) => ns - measured.none[round]!)
      return [labels[name], median(measured[name]).toFixed(0), median(more).toFixed(0)]
    }),
  )
}

async function costOfALook(): Promise<void> {
  const look = await program<Reading>('ops/reading.ts', once ? [100, 3] : [1_000, 101], WITH_TSX)
  printTable(
    `(b) a look at ${once ? 100 : '1,000'} workers`,
    ['what', 'ms, median', 'bytes of JSON'],
    [
      ['the state', look.stateMs.toFixed(2), `${look.stateBytes}`],
      ['… written as JSON', look.encodeMs.toFixed(2), `${look.stateBytes}`],
      ['a patch with one change', look.patchMs.toFixed(2), `${look.patchBytes}`],
      ['the list of 20 replicas', look.replicasMs.toFixed(2), `${look.replicasBytes}`],
    ],
  )
}

interface Scrape {
  readonly sameMs: number
  readonly someMs: number
  readonly changedMs: number
  readonly bytes: number
  readonly lines: number
}

async function costOfAScrape(): Promise<void> {
  const scrape = await program<Scrape>('ops/scrape.ts', [once ? 3 : 101], WITH_TSX)
  printTable(
    `(c) a scrape of 200 kinds: ${scrape.lines.toLocaleString('en')} lines, ${Math.round(scrape.bytes / 1_000)} kB`,
    ['since the one before', 'ms of CPU time, median'],
    [
      ['nothing has changed', scrape.sameMs.toFixed(1)],
      ['each tenth kind has had a job done and one failed', scrape.someMs.toFixed(1)],
      ['each kind has', scrape.changedMs.toFixed(1)],
    ],
  )
}
