// Coordinate's benchmarks on one PostgreSQL server: adding, requesting and finishing, and what many specs and much history
// cost; beside each, the least that SQL can do for the same. `--once` runs each once and small, to see that it runs; `--working-off`
// only requests and finishes.
import { type Attempt, type Namespace, type WorkSpec, createCoordinate } from 'runutil/coordinate'
import { type Database, PostgresCoordinateStore, migrate, openDatabase } from 'runutil/postgres'
import { createDatabase } from '../../../../test/support/postgres/create-database.ts'
import { PostgresServer } from '../../../../test/support/postgres/server.ts'
import { inRounds, median, ratio } from '../measure.ts'
import { printMachine, printTable } from '../table.ts'
import { Floor } from './floor.ts'

const once = process.argv.includes('--once')
const onlyWorkingOff = process.argv.includes('--working-off')
const units = once ? 500 : 100_000
const rounds = once ? 1 : 3
const history = once ? 1_000 : 1_000_000
/** Each asker waits for its finishes before it asks again, or asks with them. */
const loops = ['after', 'with'] as const
const contenders = ['runutil after', 'runutil with', 'raw SQL after', 'raw SQL with'] as const

printMachine()
const server = await PostgresServer.start()
try {
  if (!onlyWorkingOff) await adding()
  await workingOff()
  if (!onlyWorkingOff) await manySpecs()
  if (!onlyWorkingOff) await muchHistory()
} finally {
  await server.stop()
}

interface Fresh {
  readonly database: Database
  readonly namespace: Namespace
  readonly spec: WorkSpec
}

async function fresh(): Promise<Fresh> {
  const database = await openDatabase(await createDatabase(server.url))
  await migrate(database)
  const namespace = await createCoordinate(new PostgresCoordinateStore(database)).namespace('bench')
  return { database, namespace, spec: await namespace.setWorkSpec({ name: 'spec' }) }
}

function named(count: number, prefix = ''): { name: string; data: { at: number } }[] {
  return Array.from({ length: count }, (_, at) => ({ name: `${prefix}${at}`, data: { at } }))
}

/** Per second. */
async function rate(count: number, body: () => Promise<unknown>): Promise<number> {
  const begin = performance.now()
  await body()
  return (count * 1_000) / (performance.now() - begin)
}

async function inFresh<T>(body: (given: Fresh) => Promise<T>): Promise<T> {
  const given = await fresh()
  try {
    return await body(given)
  } finally {
    await given.database.close()
  }
}

async function adding(): Promise<void> {
  const measured = { runutil: [] as number[], floor: [] as number[] }
  for (let round = 0; round < rounds; round++) {
    const all = named(units)
    measured.runutil.push(await inFresh(({ spec }) => rate(units, () => spec.addWorkUnits(all))))
    measured.floor.push(
      await inFresh(async ({ database }) => {
        const floor = await Floor.create(database)
        return rate(units, () => floor.add(all))
      }),
    )
  }
  printTable(
    `units/s added in one call, ${units}`,
    ['runutil', 'raw SQL', 'runutil to it'],
    [row(median(measured.runutil), median(measured.floor))],
  )
}

async function workingOff(): Promise<void> {
  const rows: string[][] = []
  for (const batch of [1, 10, 100]) {
    for (const askers of [1, 8]) {
      const count = Math.min(units, batch * 4_000)
      // Several askers in raw SQL that ask with their finishes may deadlock.
      const names = contenders.filter((name) => askers === 1 || name !== 'raw SQL with')
      const measured = await inRounds(names, rounds, (name) => {
        const loop = name.endsWith('with') ? 'with' : 'after'
        return inFresh((given) =>
          name.startsWith('runutil')
            ? askAndFinish(given, { count, batch, askers, loop })
            : workOffFloor(given, { count, batch, askers, loop }),
        )
      })
      const speeds = contenders.map((name) => (name in measured ? whole(median(measured[name])) : '–'))
      const floors = measured['raw SQL after']
      const ratios = loops.map((loop) => ratio(measured[`runutil ${loop}`], floors).toFixed(2))
      rows.push([`${batch}`, `${askers}`, ...speeds, ...ratios])
    }
  }
  const head = ['batch', 'askers', ...contenders, ...loops.map((loop) => `runutil ${loop} to raw SQL after`)]
  printTable('units/s requested and finished: each asks after its finishes, or with them', head, rows)
}

interface Loop {
  readonly count: number
  readonly batch: number
  readonly askers: number
  readonly loop: (typeof loops)[number]
}

async function askAndFinish(
  { namespace, spec }: Fresh,
  { count, batch, askers, loop }: Loop,
): Promise<number> {
  await spec.addWorkUnits(named(count))
  const workers = await Promise.all(Array.from({ length: askers }, (_, at) => namespace.worker(`${at}`)))
  return rate(count, () =>
    Promise.all(
      workers.map(async (worker) => {
        const ask = (): Promise<Attempt[]> => worker.requestAttempts({ numberOfWorkUnits: batch })
        for (let attempts = await ask(); attempts.length > 0;) {
          const finished = Promise.all(attempts.map((attempt) => attempt.finish()))
          if (loop === 'after') await finished
          attempts = await ask()
          await finished
        }
      }),
    ),
  )
}

async function workOffFloor({ database }: Fresh, { count, batch, askers, loop }: Loop): Promise<number> {
  const floor = await Floor.create(database)
  await floor.add(named(count))
  return rate(count, () => floor.workOff(batch, askers, loop === 'with'))
}

/** ms, of requests for one unit. */
async function latency({ namespace }: Fresh): Promise<number> {
  const worker = await namespace.worker('asker')
  const took: number[] = []
  for (let count = 0; count < (once ? 5 : 300); count++) {
    const begin = performance.now()
    await worker.requestAttempts()
    took.push(performance.now() - begin)
  }
  return median(took)
}

async function manySpecs(): Promise<void> {
  const medians: number[] = []
  for (const count of [1, 100, 1_000]) {
    const ms = await inFresh(async (given) => {
      for (let at = 0; at < count; at++) {
        const spec = await given.namespace.setWorkSpec({ name: `spec ${at}` })
        await spec.addWorkUnits(named(Math.max(10, 1_000 / count)))
      }
      await given.database.query({ text: 'vacuum analyze' })
      return latency(given)
    })
    medians.push(ms)
  }
  const [one, hundred, thousand] = medians as [number, number, number]
  printTable(
    'ms of a request for one unit, median',
    ['1 spec', '100 specs', '1,000 specs', '1,000 to 1'],
    [[one.toFixed(2), hundred.toFixed(2), thousand.toFixed(2), (thousand / one).toFixed(2)]],
  )
}

async function muchHistory(): Promise<void> {
  const [without, behind] = await inFresh(async (given) => {
    await given.spec.addWorkUnits(named(units))
    await given.database.query({ text: 'vacuum analyze' })
    const before = await latency(given)
    await finishedBehind(given.database, history)
    return [before, await latency(given)] as const
  })
  printTable(
    `ms of a request for one unit, median, ${units} open`,
    ['nothing finished', `${history} finished`, 'to it'],
    [[without.toFixed(2), behind.toFixed(2), (behind / without).toFixed(2)]],
  )
}

/** By hand: what so many finished units leave in the tables. */
async function finishedBehind(database: Database, count: number): Promise<void> {
  await database.query({
    text: `insert into runutil.work_units (spec, name, data, priority, state, attempts)
      select s.id, 'finished ' || n, '{}', 0, 'closed', 1 from runutil.work_specs as s, generate_series(1, ${count}) as n`,
  })
  await database.query({
    text: `update runutil.work_units set active = nextval('runutil.work_attempt_numbers'), status = 'finished',
      worker = (select min(id) from runutil.work_workers), start_time = now(), end_time = now(), expires = now(), lifetime_ms = 0
      where state = 'closed' and active is null`,
  })
  await database.query({ text: 'vacuum analyze' })
}

function row(ours: number, floor: number): string[] {
  return [whole(ours), whole(floor), (ours / floor).toFixed(2)]
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en')
}
