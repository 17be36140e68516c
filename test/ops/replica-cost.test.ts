import { type Database, PostgresReplicaStore, migrate, openDatabase } from 'runutil/postgres'
import { Probe, VirtualClock } from 'runutil/testing'
import { expect, test } from 'vitest'
import { replica } from '../../packages/runutil/src/ops/replicas/replica.ts'
import { controlledRun } from '../support/ops/controlled-run.ts'
import { freshDatabase } from '../support/postgres/databases.ts'

test('a process that nobody looks at sends one statement each 5 s', async () => {
  const fresh = await freshDatabase()
  const database = await openDatabase(fresh.url)
  await migrate(database)
  const answered = new Probe<string>('a statement was answered')
  const others: unknown[] = []
  const counted = new Proxy(database, {
    get: (target, name: keyof Database) => {
      if (name === 'query')
        return async (...args: Parameters<Database['query']>): Promise<unknown[]> => {
          const rows = await target.query(...args)
          answered.hit(args[0].text)
          return rows
        }
      if (name === 'transaction') others.push(name)
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
  const clock = new VirtualClock()
  const worker = replica(new PostgresReplicaStore(counted), { name: 'one' })
  const run = await controlledRun([{ name: 'Replica', worker }], {}, clock)
  for (let beats = 1; beats <= 13; beats++) {
    await answered.times(beats)
    await clock.advance(0)
    await clock.advance('5s')
  }
  await answered.times(14)
  expect(new Set(answered.values).size).toBe(1)
  expect(answered.values[0]).toContain('beat_replica')
  // A transaction is looked for when the store is made, and never begun.
  expect([answered.count, others]).toEqual([14, ['transaction']])
  await run.end()
  await database.close()
  await fresh.drop()
})
