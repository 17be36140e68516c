import { createCoordinate } from 'runutil/coordinate'
import { PostgresCoordinateStore, migrate } from 'runutil/postgres'
import { describe, expect, it } from 'vitest'
import { kindsOfDatabase } from '../support/postgres/databases.ts'

const UNITS = 200
const REQUEST = `select runutil.request_attempts(array[(select id from runutil.work_workers)], '{null}', '{null}', '{null}',
  '{${UNITS}}', '{900000}', '{0.5}', false, null)`
const END = `select runutil.end_attempts(ids, units, array_fill($1::text, sizes), array_fill('{"done":true}'::text, sizes),
    array_fill(0::float8, sizes), '{}', '{}', '{}', '{}', '{}', 'channel', null)
  from (select array_agg(active order by id) as ids, array_agg(id order by id) as units, array[count(*)::integer] as sizes
    from runutil.work_units) as held`
const WRITTEN = `select relname, n_tup_ins::integer as inserted, n_tup_upd::integer as updated, n_tup_del::integer as deleted
  from pg_stat_xact_user_tables where schemaname = 'runutil' and relname in ('work_units', 'work_past_attempts') order by 1`

interface Written {
  readonly relname: string
  readonly inserted: number
  readonly updated: number
  readonly deleted: number
}

describe.each(kindsOfDatabase)('what is written in $name', ({ open }) => {
  it('at a lease and at an end is one row of each unit; a past attempt, once there is one', async () => {
    const database = await open()
    await migrate(database)
    const namespace = await createCoordinate(new PostgresCoordinateStore(database)).namespace('n')
    const spec = await namespace.setWorkSpec({ name: 'spec' })
    await spec.addWorkUnits(Array.from({ length: UNITS }, (_, at) => ({ name: `${at}`, data: { at } })))
    await namespace.worker('w')
    /** By the statement: the counts also hold what was not reported yet. */
    const written = (text: string, params: unknown[]): Promise<Written[]> =>
      database.transaction(async (tx) => {
        const before = (await tx.query(WRITTEN, [])).rows as unknown as Written[]
        await tx.query(text, params)
        const after = (await tx.query(WRITTEN, [])).rows as unknown as Written[]
        return after.map((now, at) => ({
          relname: now.relname,
          inserted: now.inserted - before[at]!.inserted,
          updated: now.updated - before[at]!.updated,
          deleted: now.deleted - before[at]!.deleted,
        }))
      })
    const past = { relname: 'work_past_attempts', inserted: 0, updated: 0, deleted: 0 }
    const units = { relname: 'work_units', inserted: 0, updated: UNITS, deleted: 0 }
    expect(await written(REQUEST, [])).toEqual([past, units])
    expect(await written(END, ['retryable'])).toEqual([past, units])
    expect(await written(REQUEST, [])).toEqual([{ ...past, inserted: UNITS }, units])
    expect(await written(END, ['finished'])).toEqual([past, units])
    await database.close()
  })
})
