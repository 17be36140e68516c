import { createCoordinate } from 'runutil/coordinate'
import { type Database, PostgresCoordinateStore, migrate, openDatabase } from 'runutil/postgres'
import { describe, expect, it } from 'vitest'
import { freshDatabase } from '../support/postgres/databases.ts'

const REQUESTS = 30
/** It is some 44. */
const MOST_PAGES = 55

interface Place {
  readonly specs: number
  readonly openUnits: number
  readonly finishedUnits: number
}

/** How many pages a request for one unit looks at: what it costs, whatever the machine is doing. The median of some. */
async function pagesOfARequest({ specs, openUnits, finishedUnits }: Place): Promise<number> {
  const { url, drop } = await freshDatabase()
  const database = await openDatabase(url)
  await migrate(database)
  const namespace = await createCoordinate(new PostgresCoordinateStore(database)).namespace('cost')
  for (let at = 0; at < specs; at++) await namespace.setWorkSpec({ name: `${at}` })
  await namespace.worker('asker')
  await put(database, 'open', openUnits)
  await put(database, 'closed', finishedUnits)
  await database.query({ text: 'vacuum analyze' })
  const pages = []
  for (let nth = 0; nth < REQUESTS; nth++) pages.push(await pagesOfOne(database))
  await database.close()
  await drop()
  return pages.sort((a, b) => a - b)[REQUESTS / 2]!
}

async function put(database: Database, state: 'open' | 'closed', count: number): Promise<void> {
  await database.query(
    {
      text: `insert into runutil.work_units (spec, name, data, priority, state)
        select (select id from runutil.work_specs order by id offset n % (select count(*) from runutil.work_specs) limit 1),
          $1::text || n, '{}', 0, $1::text
        from generate_series(1, $2::integer) as n`,
    },
    [state, count],
  )
  await database.query({ text: 'update runutil.work_specs set idle = false' })
  await database.query({
    text: `update runutil.work_units set active = nextval('runutil.work_attempt_numbers'), status = 'finished', attempts = 1,
      worker = (select min(id) from runutil.work_workers), start_time = now(), end_time = now(), expires = now(), lifetime_ms = 0
      where state = 'closed' and active is null`,
  })
}

async function pagesOfOne(database: Database): Promise<number> {
  const text = `explain (analyze, buffers, timing off) select runutil.request_attempts(
    (select array_agg(id) from runutil.work_workers), '{null}', '{null}', '{null}', '{1}', '{900000}', array[random()], true, null)`
  const plan = await database.query<[string]>({ text })
  return Number(/shared hit=(\d+)/.exec(plan.map(([line]) => line).join('\n'))![1])
}

describe('what a request costs', () => {
  it('is the same with 50,000 finished units behind 10,000 open ones', async () => {
    const without = await pagesOfARequest({ specs: 1, openUnits: 10_000, finishedUnits: 0 })
    const behind = await pagesOfARequest({ specs: 1, openUnits: 10_000, finishedUnits: 50_000 })
    expect(without).toBeLessThan(MOST_PAGES)
    expect(behind).toBeLessThan(1.3 * without)
  })

  it('is about the same with 1,000 specs as with one', async () => {
    const one = await pagesOfARequest({ specs: 1, openUnits: 10_000, finishedUnits: 0 })
    const many = await pagesOfARequest({ specs: 1_000, openUnits: 10_000, finishedUnits: 0 })
    expect(one).toBeLessThan(MOST_PAGES)
    // Of several specs, one is drawn.
    expect(many).toBeLessThan(1.5 * MOST_PAGES)
  })
})
