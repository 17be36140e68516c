import { PostgresJobStore } from 'runutil/postgres'
import { beforeAll, expect, it } from 'vitest'
import { systemClock } from '../../packages/runutil/src/core/clock-system.ts'
import { ask } from '../support/postgres/ask.ts'
import { eventually } from '../support/eventually.ts'
import { serverDatabase } from '../support/postgres/migrated-database.ts'

const fresh = serverDatabase(beforeAll)

/** Different payloads: the same one is told once a transaction. */
const FLOOD = `select pg_notify('jobs.runutil', 'requeued' || n) from generate_series(1, 5000) as n`

it('a flood of notifications for nothing wakes a worker at most once in 10 ms', async () => {
  const store = new PostgresJobStore(fresh.database)
  const woken: number[] = []
  const off = await store.listen(() => woken.push(systemClock.elapsed()))
  for (let i = 0; i < 5; i++) await ask(fresh.url, FLOOD)
  await eventually(() => expect(woken.length).toBeGreaterThan(1))
  await off()
  const apart = woken.slice(1).map((at, before) => at - woken[before]!)
  // By as much as the clock rounds.
  expect(Math.min(...apart)).toBeGreaterThan(9)
})
