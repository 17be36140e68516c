import { Manager } from 'runutil/dispatch'
import { PostgresActionLedger, migrate, openDatabase } from 'runutil/postgres'
import { expect, it } from 'vitest'
import { capturedLogger, withLogger } from '../support/logs.ts'
import { freshDatabase } from '../support/postgres/databases.ts'
import { eventually } from '../support/eventually.ts'

it('a worker that died before the clock was set back is lost all the same', async () => {
  const { url, drop } = await freshDatabase()
  const database = await openDatabase(url)
  await migrate(database)
  // Longer than that of the dead: a busy machine renews late.
  const ledger = new PostgresActionLedger(database, { lease: '10s' })
  await database.query({
    text: `insert into runutil.live_workers (operation, target, host, fence, owner, lease_ms, expires)
      select 'test', target, 'dead', 1, 'dead', 500, clock_timestamp() + interval '1 hour'
      from unnest(array['one', 'two']) as target`,
  })
  await ledger.create({
    id: '1',
    operation: 'test',
    host: 'dead',
    target: 'one',
    input: {},
    status: 'running',
    createdAt: 1,
    updatedAt: 1,
  })
  const manager = new Manager({ operation: 'test', ledger, gracePeriod: 0 })
  const stop = new AbortController()
  const { logger, lines } = capturedLogger()
  // Before it runs: who only registers cuts its target's as well.
  await withLogger(logger, () => manager.workers.register('alive', 'two', () => {}).ready)
  const run = withLogger(logger, () => manager.run(stop.signal))
  await eventually(async () =>
    expect(await ledger.get('1')).toMatchObject({ status: 'failed', error: 'worker lost' }),
  )
  await manager.workers.register('alive', 'one', () => {}).ready
  stop.abort()
  await run
  expect(lines.map(({ msg }) => msg)).toEqual([
    "the database's clock was set back: workers of test whose leases were cut: 1",
  ])
  await database.close()
  await drop()
})
