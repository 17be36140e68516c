import { JobQueue, QueueWorker } from 'runutil/queue'
import { PostgresJobStore } from 'runutil/postgres'
import { runAllWorkers } from 'runutil'
import { Probe } from 'runutil/testing'
import { beforeAll, describe, expect, it } from 'vitest'
import { capturedLogger } from '../support/logs.ts'
import { kindsOfDatabase } from '../support/postgres/databases.ts'
import { migratedDatabase } from '../support/postgres/migrated-database.ts'

// What the database takes for the time is moved, as if its machine's clock had been set.
describe.each(kindsOfDatabase)('while the clock of $name is set', ({ open }) => {
  const fresh = migratedDatabase(beforeAll, open)
  beforeAll(async () => {
    await fresh.database.query({ text: 'create table step (by interval not null)' })
    await fresh.database.query({ text: `insert into step values ('0')` })
    await fresh.database.query({
      text: `create or replace function runutil.store_time(p_now float8) returns timestamptz language sql volatile as
        'select clock_timestamp() + by from public.step'`,
    })
  })

  const set = (by: string): Promise<unknown> =>
    fresh.database.query({ text: `update step set by = $1::text::interval` }, [by])

  it('a rate goes on at its pace, no job runs twice, and one line tells of each step', async () => {
    const store = new PostgresJobStore(fresh.database)
    const queue = new JobQueue(store)
    const { logger, lines } = capturedLogger()
    const started = new Probe<string>('started', '60s')
    const ended = new Probe<string>('ended', '60s')
    const worker = new QueueWorker(queue, { concurrency: 4, pollInterval: '50ms' })
      .register('rated', ({ id }) => started.hit(id), { rate: { limit: 1, per: '200ms' } })
      .register('long', async ({ id }) => {
        started.hit(id)
        await ended.times(1)
      })
    const stop = new AbortController()
    const run = runAllWorkers([worker], stop.signal, { logger })
    const told = async (count: number): Promise<void> =>
      expect.poll(() => lines.filter(({ msg }) => msg.includes('clock was set'))).toHaveLength(count)

    await queue.enqueue({ id: 'long', kind: 'long' })
    await started.times(1)
    for (const [at, by] of ['1 hour', '-10 minutes', '3 days', '0'].entries()) {
      const ids = ['a', 'b', 'c'].map((name) => `${name} ${at}`)
      await queue.enqueue(ids.map((id) => ({ id, kind: 'rated' })))
      await started.times(1 + 3 * at + 1)
      await set(by)
      await started.times(1 + 3 * (at + 1))
      await told(at + 1)
    }
    ended.hit('now')
    stop.abort()
    await run
    expect(new Set(started.values).size).toBe(started.count)
    expect(await queue.get('long')).toMatchObject({ status: 'DONE', attemptsDone: 1 })
    expect(
      lines.filter(({ msg }) => msg.includes('clock was set')).map(({ msg }) => /back|forward/.exec(msg)![0]),
    ).toEqual(['forward', 'back', 'forward', 'back'])
  })
})
