import { createCoordinate } from 'runutil/coordinate'
import { PostgresCoordinateStore, migrate } from 'runutil/postgres'
import { describe, expect, it } from 'vitest'
import { kindsOfDatabase } from '../support/postgres/databases.ts'
import { allRowsRead } from '../support/postgres/rows-read.ts'

const YOUNG = 5_000
const OLD = 20

describe.each(kindsOfDatabase)('pruning in $name', ({ open }) => {
  it('reads what is old enough, however much ended since or never did', async () => {
    const database = await open()
    await migrate(database)
    const namespace = await createCoordinate(new PostgresCoordinateStore(database)).namespace('n')
    const spec = await namespace.setWorkSpec({ name: 'spec' })
    await namespace.worker('w')
    const units = (prefix: string, count: number): { name: string; data: Record<string, never> }[] =>
      Array.from({ length: count }, (_, at) => ({ name: `${prefix} ${at}`, data: {} }))
    await spec.addWorkUnits([...units('old', OLD), ...units('young', YOUNG), ...units('open', YOUNG)])
    await database.query({
      text: `update runutil.work_units set active = nextval('runutil.work_attempt_numbers'), status = 'finished', state = 'closed',
        worker = (select id from runutil.work_workers), start_time = now(), expires = now(), lifetime_ms = 0,
        end_time = now() - interval '1 hour' * (name like 'old%')::integer where name not like 'open%'`,
    })
    await namespace.prune('2h')
    const before = await allRowsRead(database)
    expect(await namespace.prune('30m')).toBe(OLD)
    expect((await allRowsRead(database)) - before).toBeLessThan(20 * OLD)
    await database.close()
  })
})
