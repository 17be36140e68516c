import { createCoordinate } from 'runutil/coordinate'
import { PostgresCoordinateStore } from 'runutil/postgres'
import { beforeAll, describe, expect, test } from 'vitest'
import { kindsOfDatabase } from '../support/postgres/databases.ts'
import { migratedDatabase } from '../support/postgres/migrated-database.ts'
import { allRowsRead } from '../support/postgres/rows-read.ts'

const MOST = 10_001

describe.each(kindsOfDatabase)('open units on $name', ({ open }) => {
  const fresh = migratedDatabase(beforeAll, open)

  /** Adds units as they are stored. */
  async function units(spec: string, state: string, count: number, columns = 'null, null'): Promise<void> {
    await fresh.database.query({
      text: `insert into runutil.work_units (spec, name, priority, state, data, not_before, expires)
        select s.id, '${state} ' || clock_timestamp() || i, 0, '${state}', '{}', ${columns}
        from runutil.work_specs as s, generate_series(1, ${count}) as i where s.name = '${spec}'`,
    })
  }

  test('are read without those that have ended, however many there are', async () => {
    const coordinate = createCoordinate(new PostgresCoordinateStore(fresh.database))
    await (await coordinate.namespace('ended')).setWorkSpec({ name: 'c' })
    await units('c', 'open', 3)
    await coordinate.openUnits()
    await units('c', 'closed', 20_000)
    const before = await allRowsRead(fresh.database)
    expect(await coordinate.openUnits()).toMatchObject([{ workSpec: 'c', available: 3, delayed: 0 }])
    expect((await allRowsRead(fresh.database)) - before).toBeLessThan(500)
  })

  test('are counted to 10,001 of a spec and status, and delayed ones to 10,000 of all specs', async () => {
    const coordinate = createCoordinate(new PostgresCoordinateStore(fresh.database))
    const namespace = await coordinate.namespace('many')
    for (const name of ['a', 'b']) await namespace.setWorkSpec({ name })
    const later = "now() + interval '1 hour'"
    await units('a', 'open', 10_500)
    await units('a', 'pending', 10_002, `null, ${later}`)
    await units('a', 'delayed', 6_000, `${later}, null`)
    await units('b', 'delayed', 4_000, `${later}, null`)
    const ended = { namespace: 'ended', workSpec: 'c', available: 3, pending: 0 }
    const row = { namespace: 'many', available: MOST, pending: MOST }
    expect(await coordinate.openUnits()).toEqual([
      { ...ended, delayed: 0 },
      { ...row, workSpec: 'a', delayed: 6_000 },
      { ...row, workSpec: 'b', available: 0, pending: 0, delayed: 4_000 },
    ])
    await units('b', 'delayed', 1, `${later}, null`)
    expect(await coordinate.openUnits()).toEqual([
      { ...ended, delayed: undefined },
      { ...row, workSpec: 'a', delayed: undefined },
      { ...row, workSpec: 'b', available: 0, pending: 0, delayed: undefined },
    ])
  })
})
