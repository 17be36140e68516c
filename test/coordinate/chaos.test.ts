import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { createCoordinate } from 'runutil/coordinate'
import { type Database, PostgresCoordinateStore, migrate, openDatabase } from 'runutil/postgres'
import { expect, it } from 'vitest'
import { Random } from '../chaos/random.ts'
import { ALL_ATTEMPTS } from '../support/coordinate/all-attempts.ts'
import { freshDatabase } from '../support/postgres/databases.ts'

/** COORDINATE_CHAOS_UNITS=5000 for long. */
const UNITS = Number(process.env['COORDINATE_CHAOS_UNITS'] ?? 2_000)
const PROCESSES = 6
const UNITS_A_KILL = 200
const KILLS = Math.ceil(UNITS / UNITS_A_KILL)
const MOST_RUNNING = { first: 110, second: 70 }

const program = fileURLToPath(new URL('programs/workers.mjs', import.meta.url))

async function start(url: string, name: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, [program, url, name], { stdio: ['ignore', 'pipe', 'inherit'] })
  await Promise.race([once(child.stdout, 'data'), once(child, 'exit')])
  return child
}

it('processes of 20 workers each finish each unit once while they are killed', async () => {
  const { url, drop } = await freshDatabase()
  const database = await openDatabase(url)
  await migrate(database)
  const coordinate = createCoordinate(new PostgresCoordinateStore(database))
  const namespace = await coordinate.namespace('chaos')
  const spec = (name: 'first' | 'second', then?: string) => ({
    name,
    runtime: 'node',
    max_running: MOST_RUNNING[name],
    ...(then !== undefined && { then }),
  })
  const first = await namespace.setWorkSpec(spec('first', 'second'))
  const second = await namespace.setWorkSpec(spec('second'))
  await first.addWorkUnits(Array.from({ length: UNITS }, (_, at) => ({ name: `${at}`, data: { at } })))

  const random = new Random(5)
  let started = 0
  const startOne = (): Promise<ChildProcess> => start(url, `workers ${++started}`)
  const processes = await Promise.all(Array.from({ length: PROCESSES }, startOne))
  const finished = async (): Promise<number> => {
    const counts = await Promise.all([first, second].map((each) => each.countWorkUnitStatus()))
    return counts.reduce((sum, count) => sum + count.finished, 0)
  }
  for (let kills = 0; kills < KILLS; kills++) {
    const before = await finished()
    await expect
      .poll(finished, { timeout: 240_000 })
      .toBeGreaterThan(Math.min(2 * UNITS - 1, before + UNITS / KILLS))
    const at = random.between(0, PROCESSES - 1)
    processes[at]!.kill('SIGKILL')
    processes[at] = await startOne()
  }
  await expect.poll(finished, { timeout: 240_000 }).toBe(2 * UNITS)
  for (const each of processes) each.kill('SIGTERM')
  await Promise.all(processes.map((each) => once(each, 'exit')))

  expect(await ledger(database)).toEqual([
    { spec: 'first', units: UNITS, finished: UNITS, finishedOnce: UNITS },
    { spec: 'second', units: UNITS, finished: UNITS, finishedOnce: UNITS },
  ])
  expect(await mostAtOnce(database, 'first')).toBeLessThanOrEqual(MOST_RUNNING.first)
  expect(await mostAtOnce(database, 'second')).toBeLessThanOrEqual(MOST_RUNNING.second)
  expect(await openBehindIdle(database)).toEqual([])
  const workers = [...(await namespace.workers()).values()]
  const active = await Promise.all(workers.map((worker) => worker.activeAttempts()))
  expect(active.flat()).toEqual([])
  await database.close()
  await drop()
})

/** Units that no request would find. */
async function openBehindIdle(database: Database): Promise<unknown[]> {
  const text = `select u.name from runutil.work_units as u join runutil.work_specs as s on s.id = u.spec
    where u.state = 'open' and s.idle`
  return database.query({ text })
}

interface Line {
  spec: string
  units: number
  finished: number
  finishedOnce: number
}

async function ledger(database: Database): Promise<Line[]> {
  const text = `select s.name, count(*)::int, count(*) filter (where u.state = 'closed')::int,
      count(*) filter (where 1 = (
        select count(*) from ${ALL_ATTEMPTS} as a where a.unit = u.id and a.status = 'finished'))::int
    from runutil.work_units as u join runutil.work_specs as s on s.id = u.spec group by 1 order by 1`
  const rows = await database.query<[string, number, number, number]>({ text })
  return rows.map(([name, units, finished, finishedOnce]) => ({ spec: name, units, finished, finishedOnce }))
}

/** From when the attempts began, and ended or expired: one that is finished later than that held nothing any more. */
async function mostAtOnce(database: Database, spec: string): Promise<number> {
  const text = `with mine as (
      select a.* from ${ALL_ATTEMPTS} as a join runutil.work_units as u on u.id = a.unit
      join runutil.work_specs as s on s.id = u.spec where s.name = $1
    ), changes as (
      select start_time as at, 1 as change from mine
      union all select least(end_time, expiration_time), -1 from mine
    )
    select max(running)::int from (
      select sum(change) over (order by at, change rows unbounded preceding) as running from changes
    ) as t`
  const [[most]] = (await database.query<[number]>({ text }, [spec])) as [[number]]
  return most
}
