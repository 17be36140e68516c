import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { PostgresJobStore } from 'runutil/postgres'
import { beforeEach, describe, expect, it } from 'vitest'
import { ask } from '../support/postgres/ask.ts'
import { serverDatabase } from '../support/postgres/migrated-database.ts'

const fresh = serverDatabase(beforeEach)

const ids = (count: number, prefix = 'j'): string[] =>
  Array.from({ length: count }, (_, at) => `${prefix}${at}`)
const enqueue = (names: readonly string[]): Promise<unknown> =>
  fresh.queue.enqueue(names.map((id) => ({ id, kind: 'k' })))
const rows = async (): Promise<number> =>
  ((await ask(fresh.url, 'select count(*)::int from runutil.jobs_waiting')) as [{ count: number }])[0].count
const claimed = async (limit: number): Promise<string[]> =>
  (await fresh.store.claim(['k'], limit, '1m')).map(({ id }) => id)

describe('jobs that were enqueued together', () => {
  it('share rows', async () => {
    await enqueue(ids(1_000))
    expect(await rows()).toBe(10)
    expect((await fresh.queue.counts()).k).toMatchObject({ PENDING: 1_000, RUNNING: 0 })
  })

  it('share rows, as those do that one end frees', async () => {
    const after = ids(250).map((id) => ({ id, kind: 'k', after: 'root' }))
    await fresh.queue.enqueue([
      { id: 'root', kind: 'k' },
      ...after.slice(0, 120),
      { id: 'other', kind: 'k' },
      ...after.slice(120),
    ])
    const both = await fresh.store.claim(['k'], 2, '1m')
    expect(await rows()).toBe(0)
    expect(await fresh.store.settle(both.map(done))).toEqual([])
    // Their numbers have a gap, where the other was.
    expect(await rows()).toBe(3)
    expect([...(await claimed(110)), ...(await claimed(140))]).toEqual(ids(250))
  })

  it.each([1, 7, 99, 100, 101, 250, 1_000])('are claimed in their order, %i at a time', async (limit) => {
    const all = ids(1_000)
    await enqueue(all)
    const got: string[] = []
    while (got.length < all.length) {
      const some = await claimed(limit)
      expect(some).toHaveLength(Math.min(limit, all.length - got.length))
      got.push(...some)
    }
    expect(got).toEqual(all)
    expect(await claimed(limit)).toEqual([])
    expect(await rows()).toBe(0)
  })

  it('keep their order among jobs of other calls', async () => {
    await enqueue(ids(3, 'a'))
    await enqueue(ids(150, 'b'))
    await fresh.queue.enqueue({ id: 'first', kind: 'k', priority: 1 })
    await enqueue(ids(3, 'c'))
    await enqueue(ids(200, 'd'))
    const all = ['first', ...ids(3, 'a'), ...ids(150, 'b'), ...ids(3, 'c'), ...ids(200, 'd')]
    expect([...(await claimed(120)), ...(await claimed(30)), ...(await claimed(1_000))]).toEqual(all)
  })

  it('return to their place', async () => {
    await enqueue(ids(300))
    const jobs = await fresh.store.claim(['k'], 150, '1m')
    await fresh.store.release(jobs.filter((_, at) => at % 2 === 1))
    const back = jobs.filter((_, at) => at % 2 === 1).map(({ id }) => id)
    expect(await claimed(1_000)).toEqual([...back, ...ids(300).slice(150)])
    expect(await fresh.store.settle(jobs.filter((_, at) => at % 2 === 0).map(done))).toEqual([])
    expect((await fresh.queue.counts()).k).toMatchObject({ DONE: 75, RUNNING: 225 })
  })

  it.each([
    ['all are there', 'DONE', async () => {}, []],
    ['one was cancelled', 'FAILED', () => fresh.queue.cancel('j42'), ['j42']],
  ] as const)('are settled together where %s', async (_, status, change, lost) => {
    await enqueue(ids(300))
    const jobs = await fresh.store.claim(['k'], 300, '1m')
    await change()
    expect((await fresh.store.settle(jobs.map(done))).map(({ id }) => id)).toEqual(lost)
    expect((await fresh.queue.get('j42'))!.status).toBe(status)
    expect((await fresh.queue.get('j41'))!.result).toBe('result of j41')
    expect((await fresh.queue.counts()).k).toMatchObject({ DONE: 300 - lost.length, PENDING: 0, RUNNING: 0 })
    expect(await ask(fresh.url, 'select from runutil.job_claims')).toEqual([])
  })

  it('are settled once, however often that is tried', async () => {
    await enqueue(ids(300))
    const jobs = await fresh.store.claim(['k'], 300, '1m')
    await fresh.store.settle(jobs.slice(0, 150).map(done))
    expect(await fresh.store.settle(jobs.map(done))).toEqual([])
    expect((await fresh.queue.get('j7'))!.attemptsDone).toBe(1)
  })

  it('stay with the claim that they returned to', async () => {
    await enqueue(ids(300))
    const jobs = await fresh.store.claim(['k'], 300, '1m')
    await ask(
      fresh.url,
      `update runutil.job_claims set expires_at = now() - interval '1 h', suspect_since = now() - interval '1 min'`,
    )
    expect(await new PostgresJobStore(fresh.database).claim(['other'], 1, '1m')).toEqual([])
    expect((await fresh.queue.counts()).k).toMatchObject({ PENDING: 300 })
    // In another order, so that other jobs are at their places now.
    const kept = [...jobs.slice(200, 220), ...jobs.slice(0, 20)]
    expect(await fresh.store.renew(kept, '1m')).toEqual([])
    expect(await fresh.store.settle(kept.slice(5, 25).map(done))).toEqual([])
    expect((await fresh.queue.counts()).k).toMatchObject({ DONE: 20, RUNNING: 20, PENDING: 260 })
    expect((await fresh.queue.get('j205'))!.status).toBe('DONE')
    expect((await fresh.queue.get('j4'))!.status).toBe('DONE')
    expect((await fresh.queue.get('j5'))!.status).toBe('PENDING')
  })

  it('can be cancelled one by one, before and after a part was claimed', async () => {
    await enqueue(ids(300))
    expect(await fresh.queue.cancel('j250')).toBe(true)
    expect(await fresh.queue.cancel('j0')).toBe(true)
    expect(await claimed(120)).toEqual(ids(121).slice(1))
    expect(await fresh.queue.cancel('j121')).toBe(true)
    expect(await claimed(1_000)).toEqual(ids(300).filter((id, at) => at > 121 && id !== 'j250'))
    expect((await fresh.queue.counts()).k).toMatchObject({ FAILED: 3, RUNNING: 297, PENDING: 0 })
  })

  it('obey limits that are set later', async () => {
    await enqueue(ids(500))
    const rules = {
      limits: { concurrency: 130, keyConcurrency: undefined, rate: undefined },
      retention: { doneMs: Infinity, failedMs: Infinity },
    }
    await fresh.store.setRules('w', new Map([['k', rules]]))
    const jobs = await fresh.store.claim(['k'], 1_000, '1m')
    expect(jobs.map(({ id }) => id)).toEqual(ids(130))
    expect(await claimed(10)).toEqual([])
    await fresh.store.settle(jobs.slice(0, 5).map(done))
    expect(await claimed(10)).toEqual(ids(500).slice(130, 135))
  })

  it('are claimed by others while a claim has locked some, without one waiting for the other', async () => {
    await enqueue(ids(200))
    const one = new pg.Client(fresh.url)
    await one.connect()
    const firstRun = `select from runutil.jobs_waiting where seq = (select min(seq) from runutil.jobs_waiting) for update`
    await one.query('begin')
    await one.query(firstRun)
    // Takes the second, and doesn't wait for the first.
    expect(await claimed(150)).toEqual(ids(200).slice(100))
    // Has nothing, and waits.
    const waiting = claimed(150)
    const isWaiting = `select count(*)::int as count from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`
    await expect.poll(async () => ((await ask(fresh.url, isWaiting)) as [{ count: number }])[0].count).toBe(1)
    await one.query('rollback')
    expect(await waiting).toEqual(ids(100))
    await one.end()
  })

  it('are all claimed by processes that take them at the same time', async () => {
    for (const limit of [1, 30, 130]) {
      await enqueue(ids(1_000, `${limit} `))
      const stores = Array.from({ length: 4 }, () => new PostgresJobStore(fresh.database))
      const got: string[] = []
      await Promise.all(
        stores.map(async (one) => {
          for (;;) {
            const jobs = await one.claim(['k'], limit, '1m')
            if (jobs.length === 0) return
            got.push(...jobs.map(({ id }) => id))
            await delay(0)
          }
        }),
      )
      expect(got.toSorted()).toEqual(ids(1_000, `${limit} `).toSorted())
    }
  })
})

function done<J extends { id: string; kind: string; claim: number; place?: number; attempt: number }>(
  job: J,
) {
  const { id, kind, claim, place, attempt } = job
  const outcome = { status: 'DONE' as const, result: JSON.stringify(`result of ${id}`) }
  return { id, kind, claim, place, outcome, attempt, durationMs: 0 }
}
