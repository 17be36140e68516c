import { runAllWorkers } from 'runutil'
import { JobQueue, type KindMinute, QueueWorker } from 'runutil/queue'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { capturedLogger } from '../support/logs.ts'
import { serverDatabase } from '../support/postgres/migrated-database.ts'

const fresh = serverDatabase(beforeEach)
afterEach(() => vi.restoreAllMocks())

/** The pages that `stats` looks at. */
async function pages(): Promise<number> {
  await fresh.client.query('vacuum analyze')
  // What a connection plans and looks up the first time isn't counted.
  for (let calls = 0; calls < 2; calls++) await fresh.client.query('select from runutil.kind_stats(null)')
  const { rows } = await fresh.client.query<{ 'QUERY PLAN': string }>(
    'explain (analyze, buffers) select from runutil.kind_stats(null)',
  )
  const text = rows.map((row) => row['QUERY PLAN']).join('\n')
  const [, hit = 0, read = 0] = /Buffers: shared(?: hit=(\d+))?(?: read=(\d+))?/.exec(text)!
  return Number(hit) + Number(read)
}

let calls = 0
/** Jobs of these kinds in turn. @param ended FAILED, DONE, or the ms until a waiting one is due */
async function put(jobs: number, kinds: number, as: 'DONE' | 'FAILED' | number): Promise<void> {
  const status = typeof as === 'number' ? 'PENDING' : as
  const since = typeof as === 'number' ? as : 0
  const call = ++calls
  await fresh.client
    .query(`insert into runutil.jobs (id, kind, payload, run_at, priority, created_at, updated_at, seq, status)
    select '${call}-' || n, 'kind' || n % ${kinds}, 'null', now() + ${since} * interval '1 ms', 0, now(), now(), n, '${status}'
    from generate_series(1, ${jobs}) as n`)
  if (status === 'DONE') return
  await fresh.client.query(
    status === 'FAILED'
      ? `insert into runutil.job_failures (id, seq, kind, status, ended_at)
        select id, seq, kind, status, updated_at from runutil.jobs where id like '${call}-%'`
      : `insert into runutil.jobs_waiting (id, kind, run_at, due, priority, seq)
        select id, kind, run_at, run_at <= now(), priority, seq from runutil.jobs where id like '${call}-%'`,
  )
}

const minute = (kind: string, agoMs: number): KindMinute => {
  const counts = { first: 100, counts: [1, 2, 3, 4, 5] }
  return { kind, agoMs, done: 15, failed: 0, retried: 0, handle: counts, wait: counts }
}

describe('stats', () => {
  it('looks at as many pages with 100,000 ended jobs as with none, and at a few thousand in all', async () => {
    const kinds = 50
    await put(5_000, kinds, 0)
    await put(5_000, kinds, 1e6)
    await put(5_000, kinds, 'FAILED')
    await fresh.store.claim(['kind1', 'kind2'], 100, '1h')
    for (let ago = 0; ago < 60; ago++) {
      const all = Array.from({ length: kinds }, (_, at) => minute(`kind${at}`, ago * 60_000))
      await fresh.store.addMinutes(all)
    }
    const few = await pages()
    await put(100_000, kinds, 'DONE')
    // The index on ids has grown by a level, which the claimed jobs are looked up in.
    expect(await pages()).toBeLessThan(few + 250)
    expect(few).toBeLessThan(2_500)
    expect(await fresh.store.stats()).toHaveLength(kinds)
  })

  it.each([
    ['due', 0],
    ['later', 1e9],
    ['failed', 'FAILED'],
  ] as const)('looks at no more pages for 120,000 jobs of a kind than for 12,000: %s', async (_, as) => {
    await put(12_000, 1, as)
    const few = await pages()
    await put(108_000, 1, as)
    expect(await pages()).toBeLessThan(few + 50)
    expect(few).toBeLessThan(500)
    const [kind] = await fresh.store.stats()
    expect(Math.max(kind!.waiting, kind!.failed)).toBe(10_001)
  })

  it('looks at no more pages for jobs that were enqueued together', async () => {
    const enqueue = (prefix: string, jobs: number): Promise<unknown> =>
      fresh.store.insert(
        Array.from({ length: jobs }, (_, at) => ({
          id: `${prefix}${at}`,
          kind: 'a',
          payload: 'null',
          runAt: undefined,
          priority: 0,
          key: undefined,
        })),
      )
    await enqueue('a', 13_000)
    const few = await pages()
    await enqueue('b', 50_000)
    expect(await pages()).toBeLessThan(few + 100)
    expect(few).toBeLessThan(500)
    expect(await fresh.store.stats()).toMatchObject([{ kind: 'a', waiting: 10_001, due: 10_001 }])
  })

  it('finds the job that has been due for longest among priorities behind 10,000 jobs', async () => {
    await put(11_000, 1, 0)
    await fresh.client.query(`update runutil.jobs_waiting set priority = 5`)
    await fresh.client.query(
      `update runutil.jobs_waiting set priority = -5, run_at = '2000-01-01' where id like '%-77'`,
    )
    const [kind] = await fresh.store.stats()
    expect(kind!.oldestDueAt!.getUTCFullYear()).toBeLessThanOrEqual(2000)
  })

  it('measures waiting times by the clock of the database, whatever that of the process says', async () => {
    const queue = new JobQueue(fresh.store)
    const { id } = await queue.enqueue({ kind: 'a' })
    const now = Date.now
    vi.spyOn(Date, 'now').mockImplementation(() => now() + 3_600_000)
    const stop = new AbortController()
    const worker = new QueueWorker(queue).register('a', () => stop.abort())
    await runAllWorkers([worker], stop.signal, { logger: capturedLogger().logger })
    expect(await queue.get(id)).toMatchObject({ status: 'DONE' })
    const [kind] = await queue.stats()
    expect(kind!.perMinute.slice(-2).reduce((sum, { done }) => sum + done, 0)).toBe(1)
    expect(kind!.waitMs!.p99).toBeLessThan(60_000)
  })
})
