import { createCoordinate } from 'runutil/coordinate'
import { type Database, PostgresCoordinateStore } from 'runutil/postgres'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Candidate, choose } from '../../packages/runutil/src/coordinate/scheduler.ts'
import { Random } from '../chaos/random.ts'
import { kindsOfDatabase } from '../support/postgres/databases.ts'
import { migratedDatabase } from '../support/postgres/migrated-database.ts'

const DRAWS = 1_000
const ANY = { workSpecs: undefined, runtimes: undefined, availableGb: undefined, units: 1 }

/** How often each is chosen. */
type Tally = Record<string, number>

/** Some with pending units, some at their limits, some with nothing available, some paused. */
function candidates(count: number, random: Random): Candidate[] {
  return Array.from({ length: count }, (_, at) => ({
    name: `${at}`,
    priority: 0,
    weight: random.between(1, 20),
    paused: random.chance(0.1),
    continuous: random.chance(0.1),
    nextContinuous: 0,
    minMemoryGb: 0,
    maxAttemptsReturned: 0,
    runtime: '',
    maxRunning: random.chance(0.2) ? 2 : 0,
    available: random.chance(0.8) ? 1 : 0,
    pending: random.chance(0.4) ? random.between(1, 4) : 0,
  }))
}

async function put(database: Database, specs: readonly Candidate[]): Promise<void> {
  await database.query({ text: 'truncate runutil.work_namespaces, runutil.work_past_attempts cascade' })
  const namespace = await createCoordinate(new PostgresCoordinateStore(database)).namespace('choosing')
  for (const { name, priority, weight, paused, continuous, maxRunning, available, pending } of specs) {
    const data = { name, priority, weight, disabled: paused, continuous, max_running: maxRunning }
    const spec = await namespace.setWorkSpec(data)
    const names = Array.from({ length: available + pending }, (_, at) => ({ name: `${at}`, data: {} }))
    if (names.length > 0) await spec.addWorkUnits(names)
    await database.query(
      {
        text: `update runutil.work_units set state = 'pending', expires = now() + interval '1 hour'
          where name::int < $1 and spec = (select id from runutil.work_specs where name = $2)`,
      },
      [pending, name],
    )
    await database.query({ text: `update runutil.work_specs set idle = $1 where name = $2` }, [
      available === 0,
      name,
    ])
  }
}

async function chosenByDatabase(database: Database): Promise<Tally> {
  const text = `select s.name, count(*)::int from generate_series(0, ${DRAWS - 1}) as n,
      runutil.choose_spec((select id from runutil.work_namespaces), null, null, null, 1, n / ${DRAWS}.0, '{}', now()) as c
    left join runutil.work_specs as s on s.id = c.spec group by 1`
  return Object.fromEntries(await database.query<[string, number]>({ text }))
}

function chosenByScheduler(specs: readonly Candidate[]): Tally {
  const tally: Tally = {}
  for (let n = 0; n < DRAWS; n++) {
    const { spec } = choose(specs, ANY, 1, n / DRAWS)!
    tally[spec] = (tally[spec] ?? 0) + 1
  }
  return tally
}

/** In standard deviations: how far what was drawn is from what was to be expected, at most. */
function furthest(drawn: Tally, expected: Tally): number {
  const off = Object.entries({ ...drawn, ...expected }).map(([name]) => {
    const share = (expected[name] ?? 0) / DRAWS
    return (
      Math.abs((drawn[name] ?? 0) - (expected[name] ?? 0)) /
      Math.sqrt(Math.max(1, DRAWS * share * (1 - share)))
    )
  })
  return Math.max(...off)
}

describe.each(kindsOfDatabase)('choosing a spec in $name', ({ open }) => {
  const fresh = migratedDatabase(beforeAll, open)

  it.each([
    ['few', 12, 1],
    ['few others', 12, 2],
    ['so many that one is drawn first', 120, 3],
    ['others so many that one is drawn first', 120, 4],
  ])('gives %s the chances that the scheduler gives them', async (_, count, seed) => {
    const specs = candidates(count, new Random(seed))
    await put(fresh.database, specs)
    const expected = chosenByScheduler(specs)
    const drawn = await chosenByDatabase(fresh.database)
    expect(Object.keys(drawn).filter((name) => expected[name] === undefined)).toEqual([])
    expect(furthest(drawn, expected)).toBeLessThan(4.5)
  })

  it('takes the highest priority alone, also where one is drawn first', async () => {
    const specs = candidates(120, new Random(5)).map((spec, at) => ({ ...spec, priority: at % 3 }))
    await put(fresh.database, specs)
    const urgent = specs.filter(({ priority }) => priority === 2).map(({ name }) => name)
    const drawn = await chosenByDatabase(fresh.database)
    expect(Object.keys(drawn).filter((name) => !urgent.includes(name))).toEqual([])
    expect(furthest(drawn, chosenByScheduler(specs))).toBeLessThan(4.5)
  })
})
