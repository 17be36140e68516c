// Where the time of requests and finishes goes: µs of a unit, on the clock and on a CPU, of one asker, beside the least that SQL can do.
// What is on a CPU is of use also while others keep the machine busy. Linux only. `--batch 100` takes one size of batches,
// `--rounds 3` more rounds.
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { type Attempt, createCoordinate } from 'runutil/coordinate'
import { type Database, PostgresCoordinateStore, migrate, openDatabase } from 'runutil/postgres'
import { createDatabase } from '../../../../test/support/postgres/create-database.ts'
import { PostgresServer } from '../../../../test/support/postgres/server.ts'
import { median } from '../measure.ts'
import { printMachine, printTable } from '../table.ts'
import { Floor } from './floor.ts'

const { values } = parseArgs({ options: { batch: { type: 'string' }, rounds: { type: 'string' } } })
const batches = values.batch === undefined ? [1, 10, 100] : [Number(values.batch)]
const rounds = Number(values.rounds ?? 3)
const UNITS = new Map([
  [1, 1_000],
  [10, 5_000],
])
const MOST_UNITS = 20_000

/** µs of a unit. */
interface Spent {
  readonly clock: number
  readonly server: number
  readonly node: number
}

type Course = (database: Database, batch: number, units: number) => Promise<Record<string, Spent>>

const ours: Course = async (database, batch, units) => {
  await migrate(database)
  const namespace = await createCoordinate(new PostgresCoordinateStore(database)).namespace('bench')
  const spec = await namespace.setWorkSpec({ name: 'spec' })
  const worker = await namespace.worker('w')
  const ask = (): Promise<Attempt[]> => worker.requestAttempts({ numberOfWorkUnits: batch })
  const finish = (some: Attempt[]): Promise<unknown> => Promise.all(some.map((each) => each.finish()))
  let held: Attempt[][] = []
  const request = async (): Promise<void> => {
    for (let left = units; left > 0; left -= batch) held.push(await ask())
  }
  const finishes = async (): Promise<void> => {
    for (const some of held) await finish(some)
    held = []
  }
  await spec.addWorkUnits(named(units, 'first'))
  await request()
  await finishes()
  await spec.addWorkUnits(named(units, 'second'))
  const requested = await spent(database, units, request)
  const finished = await spent(database, units, finishes)
  await spec.addWorkUnits(named(units, 'third'))
  const inTurn = await spent(database, units, async () => {
    for (let some = await ask(); some.length > 0; some = await ask()) await finish(some)
  })
  return {
    'runutil: requests': requested,
    'runutil: finishes': finished,
    'runutil: both in turn': inTurn,
  }
}

const least: Course = async (database, batch, units) => {
  const floor = await Floor.create(database)
  await floor.add(named(units, 'first'))
  await floor.workOff(batch, 1, false)
  await floor.add(named(units, 'second'))
  return { 'raw SQL: both in turn': await spent(database, units, () => floor.workOff(batch, 1, false)) }
}

function named(count: number, prefix: string): { name: string; data: { at: number } }[] {
  return Array.from({ length: count }, (_, at) => ({ name: `${prefix} ${at}`, data: { at } }))
}

async function spent(database: Database, units: number, body: () => Promise<unknown>): Promise<Spent> {
  const rows = await database.query<[number]>({
    text: `select pid from pg_stat_activity where datname = current_database() and backend_type = 'client backend'`,
  })
  const pids = rows.map(([pid]) => pid)
  const before = new Map(pids.map((pid) => [pid, onCpu(pid) ?? 0]))
  const node = process.cpuUsage()
  const begin = performance.now()
  await body()
  const clock = (performance.now() - begin) * 1_000
  const { user, system } = process.cpuUsage(node)
  // Of a connection that was closed meanwhile, nothing is known; the one of requests and ends stays.
  const server = [...before].reduce((sum, [pid, then]) => sum + (onCpu(pid) ?? then) - then, 0)
  return { clock: clock / units, server: server / units, node: (user + system) / units }
}

/** µs of a process on a CPU; undefined when it has ended. */
function onCpu(pid: number): number | undefined {
  try {
    return Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[0]) / 1_000
  } catch {
    return undefined
  }
}

async function measured(server: PostgresServer, batch: number): Promise<Record<string, Spent[]>> {
  const all: Record<string, Spent[]> = {}
  for (let round = 0; round < rounds; round++) {
    for (const course of [ours, least]) {
      const database = await openDatabase(await createDatabase(server.url))
      const parts = await course(database, batch, UNITS.get(batch) ?? MOST_UNITS)
      for (const [name, part] of Object.entries(parts)) (all[name] ??= []).push(part)
      await database.close()
    }
  }
  return all
}

printMachine()
const server = await PostgresServer.start()
try {
  for (const batch of batches) {
    const rows = Object.entries(await measured(server, batch)).map(([name, all]) => [
      name,
      ...(['clock', 'server', 'node'] as const).map((key) => median(all.map((each) => each[key])).toFixed(1)),
    ])
    printTable(`µs a unit, batches of ${batch}`, ['', 'on the clock', "server's CPU", "Node's CPU"], rows)
  }
} finally {
  await server.stop()
}
