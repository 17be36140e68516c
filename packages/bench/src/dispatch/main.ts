// Dispatch's benchmarks: `do` to an idle live worker, in memory, with a file and over PostgreSQL, what it costs there beside
// other live workers, and how long a file of actions takes to be read. `--once` runs each once and small, to see that it runs.
import { spawnSync } from 'node:child_process'
import { once as event } from 'node:events'
import { createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { type ActionLedger, JsonLinesActionLedger, Manager, MemoryActionLedger } from 'runutil/dispatch'
import { PostgresActionLedger, migrate, openDatabase } from 'runutil/postgres'
import { createDatabase } from '../../../../test/support/postgres/create-database.ts'
import { PostgresServer } from '../../../../test/support/postgres/server.ts'
import { median, program } from '../measure.ts'
import { printMachine, printTable } from '../table.ts'

const once = process.argv.includes('--once')
const rounds = once ? 1 : 3
const records = once ? 2_000 : 1_000_000
const folder = await mkdtemp(join(tmpdir(), 'runutil-bench-'))

printMachine()
const server = await PostgresServer.start()
try {
  await doing()
  await doingBesideOthers()
  await replaying()
} finally {
  await server.stop()
  await rm(folder, { recursive: true })
}

/** To four targets at once for the rate, to one for the latency; each action completed before the next. */
async function doing(): Promise<void> {
  const database = await openDatabase(await createDatabase(server.url))
  await migrate(database)
  const file = new JsonLinesActionLedger(join(folder, 'done.jsonl'))
  const rows = [
    await measured('memory', new MemoryActionLedger(), once ? 100 : 20_000),
    await measured('JSON lines', file, once ? 20 : 2_000),
    await measured('PostgreSQL', new PostgresActionLedger(database), once ? 20 : 1_000),
  ]
  await file.close()
  await database.close()
  printTable(
    '`do` to an idle worker',
    ['ledger', 'taken, p50 ms', 'completed, p50 ms', 'actions/s, 4 targets'],
    rows,
  )
}

async function measured(name: string, ledger: ActionLedger, count: number): Promise<string[]> {
  const manager = new Manager({ operation: 'bench', ledger })
  const stop = new AbortController()
  const run = manager.run(stop.signal)
  const targets = ['a', 'b', 'c', 'd']
  for (const target of targets) await manager.workers.register('host', target, () => {}).ready
  const taken: number[] = []
  const completed: number[] = []
  const rates: number[] = []
  for (let round = 0; round < rounds; round++) {
    for (let at = 0; at < count / 4; at++) {
      const begin = performance.now()
      const done = manager.do('a', { at })
      await done
      taken.push(performance.now() - begin)
      await done.completed
      completed.push(performance.now() - begin)
    }
    const begin = performance.now()
    const each = async (target: string): Promise<void> => {
      for (let at = 0; at < count / 4; at++) await manager.do(target, { at }).completed
    }
    await Promise.all(targets.map(each))
    rates.push((count * 1_000) / (performance.now() - begin))
  }
  stop.abort()
  await run
  return [
    name,
    median(taken).toFixed(3),
    median(completed).toFixed(3),
    Math.round(median(rates)).toLocaleString('en'),
  ]
}

/** How the work of one `do` over PostgreSQL depends on how many workers are live. */
async function doingBesideOthers(): Promise<void> {
  const rows: string[][] = []
  for (const targets of [4, 16, 64]) {
    const measured: Doing[] = []
    for (let round = 0; round < rounds; round++) {
      const url = await createDatabase(server.url)
      measured.push(await program<Doing>('dispatch/doing.mjs', [url, targets, once ? 20 : 1_000]))
    }
    const of = (key: keyof Doing, digits: number): string =>
      median(measured.map((one) => one[key])).toFixed(digits)
    const latency = [of('taken', 3), of('completed', 3)]
    rows.push([`${targets}`, ...latency, of('commits', 1), of('fsyncs', 1), of('perSecond', 0)])
  }
  printTable(
    '`do` over PostgreSQL to one of several live workers of the process',
    ['live', 'taken, p50 ms', 'completed, p50 ms', 'commits a do', 'fsyncs a do', 'do/s, all at once'],
    rows,
  )
}

interface Doing {
  readonly taken: number
  readonly completed: number
  readonly commits: number
  readonly fsyncs: number
  readonly perSecond: number
}

/** In a process of its own, whose memory is told of. */
async function replaying(): Promise<void> {
  const file = join(folder, 'replayed.jsonl')
  const out = createWriteStream(file, { mode: 0o600 })
  for (let at = 0; at < records / 2; at++) {
    const fields = {
      operation: 'bench',
      host: `host ${at % 10}`,
      target: `target ${at % 100}`,
      input: { at },
    }
    const times = { createdAt: 1_700_000_000_000 + at, updatedAt: 1_700_000_000_000 + at }
    const created = JSON.stringify({ id: `action-${at}`, ...fields, status: 'running', ...times })
    const ended = JSON.stringify({
      id: `action-${at}`,
      status: 'succeeded',
      output: { at },
      updatedAt: times.updatedAt + 5,
    })
    if (!out.write(`${created}\n${ended}\n`)) await event(out, 'drain')
  }
  out.end()
  await finished(out)
  const replay = fileURLToPath(new URL('replay.mjs', import.meta.url))
  const results = Array.from({ length: rounds }, () => {
    const { stdout } = spawnSync(process.execPath, [replay, file], { encoding: 'utf8' })
    return JSON.parse(stdout) as { seconds: number; megabytes: number }
  })
  printTable(
    `${records.toLocaleString('en')} records of ${(records / 2).toLocaleString('en')} actions read`,
    ['s', 'MB resident at most'],
    [
      [
        median(results.map(({ seconds }) => seconds)).toFixed(2),
        median(results.map(({ megabytes }) => megabytes)).toFixed(0),
      ],
    ],
  )
}
