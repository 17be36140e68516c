import { PostgresJobStore } from 'runutil/postgres'
import type { KindRules } from 'runutil/queue'
import { VirtualClock } from 'runutil/testing'
import { beforeEach, expect, it } from 'vitest'
import { serverDatabase } from '../support/postgres/migrated-database.ts'

const HOUR_MS = 3_600_000
const rules = (keptMs: number): KindRules => ({
  limits: { concurrency: undefined, keyConcurrency: undefined, rate: undefined },
  retention: { doneMs: keptMs, failedMs: keptMs },
})

let clock: VirtualClock
let store: PostgresJobStore
const fresh = serverDatabase(beforeEach)
beforeEach(() => {
  clock = new VirtualClock()
  store = new PostgresJobStore(fresh.database, { clock })
})

/** Jobs that have ended now. */
async function end(kind: string, length: number, prefix = kind): Promise<void> {
  await fresh.client.query(
    `insert into runutil.jobs (id, kind, payload, run_at, priority, created_at, updated_at, seq, status)
      select $4 || n, $1, to_json(repeat('x', 200)), at, 0, at, at, n, 'DONE'
      from generate_series(1, $2::integer) as n, to_timestamp($3::float8 / 1000) as at`,
    [kind, length, clock.now(), prefix],
  )
}

/** @returns how many parts were looked at */
async function prune(kinds: Record<string, number>): Promise<number> {
  await store.setRules('a worker', new Map(Object.entries(kinds).map(([kind, ms]) => [kind, rules(ms)])))
  let parts = 0
  while (await store.pruneByRules()) parts++
  return parts
}

async function count(): Promise<Record<string, number>> {
  const counts = await store.counts()
  return Object.fromEntries(Object.entries(counts).map(([kind, { DONE }]) => [kind, DONE]))
}

it('reads the table no more often than there may be something to remove', async () => {
  await end('keep', 20_000)
  await end('mail', 2_000)
  const kinds = { keep: Infinity, mail: 24 * HOUR_MS }
  const parts = await prune(kinds)
  expect(parts).toBeGreaterThan(10)
  let again = 0
  for (let minutes = 0; minutes < 23 * 60; minutes += 30) {
    await clock.advance('30m')
    again += await prune(kinds)
  }
  expect(again).toBe(0)
  await clock.advance('2h')
  expect(await prune(kinds)).toBeLessThanOrEqual(parts)
  expect(await count()).toEqual({ keep: 20_000 })
})

it('removes what ended at many times soon after it is over', async () => {
  const kinds = { mail: 10 * HOUR_MS }
  for (let hour = 0; hour < 30; hour++) {
    await end('mail', 100, `${hour} `)
    await prune(kinds)
    await clock.advance('1h')
  }
  await prune(kinds)
  const { mail } = await count()
  expect(mail).toBeGreaterThanOrEqual(900)
  expect(mail).toBeLessThanOrEqual(1_000)
})

it('never removes a job that waits or runs, however old it is', async () => {
  const newJob = { kind: 'mail', payload: 'null', runAt: undefined, priority: 0, key: undefined }
  await store.insert([
    { id: 'waits', ...newJob },
    { id: 'runs', ...newJob },
  ])
  await store.claim(['mail'], 1, '30d')
  await clock.advance('1d')
  await prune({ mail: 1_000 })
  expect(await store.counts()).toMatchObject({ mail: { PENDING: 1, RUNNING: 1 } })
})

/** A batch of a thousand: where the next one is to begin and end, and how many pages it looks at. */
async function pruneBatch(
  from: number | null,
  to: number | null,
): Promise<{ from: number; to: number; pages: number }> {
  const call = `select o_from, o_to from runutil.prune_jobs(60000, 1000, ${clock.now()}, ${from}, ${to})`
  await fresh.client.query('begin')
  const { rows: plan } = await fresh.client.query<{ 'QUERY PLAN': string }>(
    `explain (analyze, buffers) ${call}`,
  )
  await fresh.client.query('rollback')
  const [, hit = 0, read = 0] = /Buffers: shared(?: hit=(\d+))?(?: read=(\d+))?/.exec(
    plan.map((row) => row['QUERY PLAN']).join('\n'),
  )!
  const { rows } = await fresh.client.query<{ o_from: number; o_to: number }>(call)
  return { from: rows[0]!.o_from, to: rows[0]!.o_to, pages: Number(hit) + Number(read) }
}

it('reads no page again for each batch of jobs that it removes', async () => {
  await end('mail', 20_000)
  await clock.advance('1h')
  const pages: number[] = []
  let from: number | null = null
  let to: number | null = null
  for (let batch = 1; batch < 20; batch++) {
    const done: Awaited<ReturnType<typeof pruneBatch>> = await pruneBatch(from, to)
    from = done.from
    to = done.to
    pages.push(done.pages)
  }
  expect(pages.at(-1)).toBeLessThan(pages[1]! * 1.2)
  expect(await count()).toEqual({ mail: 1_000 })
})

it('goes on where the last batch of a pass ended, and leaves nothing behind', async () => {
  await end('mail', 2_500)
  await clock.advance('1h')
  await end('new', 10)
  const pass = {}
  const batches = [1, 2, 3].map(() => () => store.prune('1m', 1_000, pass))
  const removed: number[] = []
  for (const batch of batches) removed.push(await batch())
  expect(removed).toEqual([1_000, 1_000, 500])
  expect(await count()).toEqual({ new: 10 })
})

it('looks once at each page of which nothing is to be removed', async () => {
  await end('mail', 5_000)
  await store.setRules('a worker', new Map([['mail', rules(24 * HOUR_MS)]]))
  const call = `select runutil.prune_by_rules(${clock.now()})`
  // The first call reads catalogs too.
  await fresh.client.query(call)
  const { rows: plan } = await fresh.client.query<{ 'QUERY PLAN': string }>(
    `explain (analyze, buffers) ${call}`,
  )
  const [, pages] = /Buffers: shared hit=(\d+)/.exec(plan.map((row) => row['QUERY PLAN']).join('\n'))!
  // A part has 64.
  expect(Number(pages)).toBeGreaterThan(64)
  expect(Number(pages)).toBeLessThan(2 * 64)
})
