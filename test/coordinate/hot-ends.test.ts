import { createCoordinate } from 'runutil/coordinate'
import { PostgresCoordinateStore, migrate } from 'runutil/postgres'
import { describe, expect, it } from 'vitest'
import { kindsOfDatabase } from '../support/postgres/databases.ts'

const UNITS = 500
const END = `select runutil.end_attempts(ids, array_fill('finished'::text, sizes), array_fill('{"done":true}'::text, sizes),
    array_fill(0::float8, sizes), '{}', '{}', '{}', '{}', '{}', 'channel', null)
  from (select array_agg(id) as ids, array[count(*)::integer] as sizes from runutil.work_attempts) as held`
const COUNTS = `select n_tup_upd::integer as updates, n_tup_hot_upd::integer as hot
  from pg_stat_xact_user_tables where schemaname = 'runutil' and relname = 'work_attempts'`

describe.each(kindsOfDatabase)('the ends of a batch of attempts, in $name', ({ open }) => {
  it('are updates that no index hears of, also when all of a page end at once', async () => {
    const database = await open()
    await migrate(database)
    const namespace = await createCoordinate(new PostgresCoordinateStore(database)).namespace('n')
    const spec = await namespace.setWorkSpec({ name: 'spec' })
    await spec.addWorkUnits(
      Array.from({ length: UNITS }, (_, at) => ({ name: `${at}`, data: { file: `picture ${at}.png` } })),
    )
    const worker = await namespace.worker('w')
    await worker.requestAttempts({ numberOfWorkUnits: UNITS })
    const result = await database.transaction(async (tx) => {
      await tx.query(END, [])
      return tx.query(COUNTS, [])
    })
    const { updates, hot } = (result as { rows: { updates: number; hot: number }[] }).rows[0]!
    expect(updates).toBe(UNITS)
    expect(hot).toBe(updates)
    await database.close()
  })
})
