import pg from 'pg'
import { type Database, PostgresJobStore, migrate, openDatabase } from 'runutil/postgres'
import type { ClaimedJob, ResolvedLimits } from 'runutil/queue'
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest'
import { jobStatements } from '../../packages/runutil/src/postgres/queue/job-statements.ts'
import { createDatabase } from '../support/postgres/create-database.ts'

const DAY_MS = 86_400_000

/** What one claim of a limited kind costs, by the pages that it looks at. */
let database: Database
let client: pg.Client
let store: PostgresJobStore
beforeEach(async () => {
  const url = await createDatabase(inject('postgresUrl'))
  database = await openDatabase(url)
  await migrate(database)
  store = new PostgresJobStore(database)
  client = new pg.Client(url)
  await client.connect()
})
afterEach(async () => {
  await client.end()
  await database.close()
})

async function limitTo(limits: Partial<ResolvedLimits>): Promise<void> {
  const all = { concurrency: undefined, keyConcurrency: undefined, rate: undefined, ...limits }
  const retention = { doneMs: Infinity, failedMs: Infinity }
  await store.setRules('a worker', new Map([['a', { limits: all, retention }]]))
}

/** Jobs that wait, in the order of their numbers. @param rows gives id, key and seq of each */
async function put(rows: string): Promise<void> {
  await client.query(`
    insert into runutil.jobs (id, kind, payload, run_at, priority, key, created_at, updated_at, seq)
      select id, 'a', 'null', '2000-01-01', 0, key, now(), now(), seq from (${rows}) as given;
    insert into runutil.jobs_waiting (id, kind, run_at, due, priority, key, seq)
      select id, 'a', '2000-01-01', true, 0, key, seq from (${rows}) as given`)
  await client.query('analyze runutil.jobs_waiting, runutil.jobs, runutil.job_slots')
}

const busy = (length: number): string =>
  `select 'busy' || n as id, 'busy' as key, n as seq from generate_series(1, ${length}) as n`
const others = (length: number): string =>
  `select 'other' || n as id, 'k' || n as key, 1000000 + n as seq from generate_series(1, ${length}) as n`

/** Pages looked at by a claim of ten, which is undone. */
async function pagesOfAClaim(): Promise<number> {
  const call = claimCall()
  await client.query('begin')
  // What a connection plans and looks up the first time isn't counted.
  await client.query(call)
  await client.query('rollback; begin')
  const { rows } = await client.query<{ 'QUERY PLAN': string }>(
    `explain (analyze, buffers, format text) ${call}`,
  )
  await client.query('rollback')
  const text = rows.map((row) => row['QUERY PLAN']).join('\n')
  const [, hit = 0, read = 0] = /Buffers: shared(?: hit=(\d+))?(?: read=(\d+))?/.exec(text)!
  return Number(hit) + Number(read)
}

/** Of what runs, the entries that a claim of ten reads, which is undone. */
async function slotsReadByAClaim(): Promise<number> {
  await client.query('begin')
  await client.query(claimCall())
  const { rows } = await client.query<{ read: string }>(
    `select pg_stat_get_xact_tuples_returned('runutil.job_slots_by_kind'::regclass) as read`,
  )
  await client.query('rollback')
  return Number(rows[0]!.read)
}

const claimCall = (): string =>
  jobStatements('runutil').claim.text.replace(/\$(\d+)/g, (_, at: string) => VALUES[Number(at) - 1]!)

const VALUES = [
  `'{"a"}'`,
  '10',
  '60000',
  'false',
  'null',
  '25',
  'null',
  'null',
  'null',
  `'jobs'`,
  'null',
  'null',
  'null',
  'true',
  'null',
  'true',
]

const idsOf = (jobs: readonly ClaimedJob[]): string[] => jobs.map(({ id }) => id)
const first = (length: number): string[] => Array.from({ length }, (_, at) => `other${at + 1}`)

describe('a claim of a kind with keyConcurrency', () => {
  it('costs as much beside 10,000 keys as beside 100, behind 2,000 jobs of a busy one', async () => {
    await limitTo({ keyConcurrency: 1 })
    await put(`${busy(2_001)} union all ${others(100)}`)
    expect(idsOf(await store.claim(['a'], 1, '1h'))).toEqual(['busy1'])
    const few = await pagesOfAClaim()
    await put(
      `select 'more' || n as id, 'm' || n as key, 2000000 + n as seq from generate_series(1, 10000) as n`,
    )
    const many = await pagesOfAClaim()
    expect(many).toBeLessThan(few + 100)
    expect(many).toBeLessThan(500)
    expect(idsOf(await store.claim(['a'], 10, '1h'))).toEqual(first(10))
  })

  it('looks at a bounded number of pages behind 50,000 jobs of full keys, and reaches every other', async () => {
    await limitTo({ keyConcurrency: 1 })
    const keyless = `select 'keyless' as id, null::text as key, 2000000 as seq`
    await put(`${busy(50_000)} union all ${others(200)} union all ${keyless}`)
    expect(idsOf(await store.claim(['a'], 1, '1h'))).toEqual(['busy1'])
    const reached = new Set<string>()
    for (let claims = 0; claims < 40 && reached.size < 201; claims++) {
      if (claims % 10 === 0) expect(await pagesOfAClaim()).toBeLessThan(1_500)
      for (const id of idsOf(await store.claim(['a'], 10, '1h'))) reached.add(id)
    }
    expect([...reached].sort()).toEqual([...first(200), 'keyless'].sort())
    expect(await store.claim(['a'], 10, '1h')).toEqual([])
  }, 60_000)

  it('reads what runs of the first keys alone where those have room, and all that runs once where they have none', async () => {
    await limitTo({ keyConcurrency: 1 })
    await client.query(`insert into runutil.job_slots (id, claim, kind, key)
      select 'full' || n, 1, 'a', 'full' || n from generate_series(1, 5000) as n`)
    await put(others(1_000))
    expect(await slotsReadByAClaim()).toBeLessThan(200)
    await client.query('truncate runutil.jobs_waiting, runutil.jobs')
    await put(
      `select 'job' || n as id, 'full' || (n % 5000 + 1) as key, n as seq from generate_series(1, 10000) as n`,
    )
    expect(await slotsReadByAClaim()).toBeLessThan(6_000)
    expect(await store.claim(['a'], 10, '1h')).toEqual([])
  })

  it('gives one job of a key at most, wherever it finds them', async () => {
    await limitTo({ keyConcurrency: 2 })
    const many = `select 'x' || n as id, 'k' || (n % 50) as key, 1000000 + n as seq from generate_series(1, 500) as n`
    await put(`${busy(10_000)} union all ${many}`)
    const byKey = new Map<string, number>()
    for (let claims = 0; claims < 30; claims++) {
      for (const { key } of await store.claim(['a'], 20, '1h')) byKey.set(key!, (byKey.get(key!) ?? 0) + 1)
    }
    expect(byKey.size).toBe(51)
    expect([...byKey.values()].every((count) => count === 2)).toBe(true)
  }, 60_000)
})

describe('a claim of a kind with a rate', () => {
  const starts = (length: number): string => `
    insert into runutil.job_starts (kind, upto, starts, at, kept_until, ahead, claim)
      select 'a', n, 1, now() - interval '10 min' + n * interval '1 ms', now() + interval '1 day', 0, n
      from generate_series(1, ${length}) as n`

  it.each([
    ['has room', 1_000_000, 10],
    ['is full', 100_000, 0],
  ])('costs as much with 100,000 starts in its window as with 1,000, where it %s', async (_, limit, gets) => {
    await put(`select 'job' || n as id, null::text as key, n as seq from generate_series(1, 100) as n`)
    await limitTo({ rate: { limit: gets === 0 ? 1_000 : limit, perMs: DAY_MS } })
    await client.query(starts(1_000))
    const few = await pagesOfAClaim()
    await client.query('delete from runutil.job_starts')
    await limitTo({ rate: { limit, perMs: DAY_MS } })
    await client.query(starts(100_000))
    await client.query('vacuum analyze runutil.job_starts')
    const many = await pagesOfAClaim()
    expect(many).toBeLessThan(few + 20)
    expect(await claimRow(10)).toHaveLength(gets)
  })

  it('forgets starts that count no more', async () => {
    await limitTo({ rate: { limit: 10, perMs: 1 } })
    await put(`select 'job' || n as id, null::text as key, n as seq from generate_series(1, 100) as n`)
    await client.query(starts(25_000).replace(`now() + interval '1 day'`, 'now()'))
    await limitTo({ rate: { limit: 10, perMs: 1 } })
    const { rows } = await client.query('select from runutil.job_starts')
    expect(rows).toHaveLength(0)
    expect(await claimRow(10)).toHaveLength(10)
  })

  it('takes back the starts of what would start too late, and no others', async () => {
    await limitTo({ rate: { limit: 10, perMs: DAY_MS } })
    await put(`select 'job' || n as id, null::text as key, n as seq from generate_series(1, 100) as n`)
    const one = await claimRow(3)
    const two = await claimRow(4)
    const three = await claimRow(2)
    expect(await claimRow(10)).toHaveLength(1)
    const ids = two.map(([id]) => id as string)
    const claim = String(two[0]![5])
    const params = [`{${ids.join()}}`, `{${claim}}`, '{}', false, 'jobs', null]
    await database.query({ text: jobStatements('runutil').release.text }, params)
    expect(await claimRow(10)).toHaveLength(4)
    expect(one.length + three.length).toBe(5)
  })

  /** By its statement alone: on a slow machine, the store gives back what would start too late. */
  const claimRow = (limit: number): Promise<unknown[][]> =>
    database.query({ text: jobStatements('runutil').claim.text }, [
      '{"a"}',
      limit,
      60_000,
      false,
      null,
      25,
      null,
      null,
      null,
      'jobs',
      null,
      null,
      null,
      true,
      null,
      true,
    ])
})
