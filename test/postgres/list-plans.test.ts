import type { JobQuery } from 'runutil/queue'
import { beforeAll, expect, it } from 'vitest'
import { queryJson } from '../../packages/runutil/src/postgres/queue/query-json.ts'
import { parseQuery } from '../../packages/runutil/src/queue/parse-query.ts'
import { serverDatabase } from '../support/postgres/migrated-database.ts'

const JOBS = 100_000
const HOUR_MS = 3_600_000
/** When the last of the jobs below ended; those that failed, a day earlier. */
const END = Math.floor(Date.now() / 1_000) * 1_000
const FAILED_END = END - 24 * HOUR_MS

const fresh = serverDatabase(beforeAll)
beforeAll(async () => {
  // A day of calls of a hundred jobs each, of two kinds, all of which failed; then as many that are done.
  for (const [at, status] of ['FAILED', 'DONE'].entries()) {
    await fresh.client.query(
      `insert into runutil.jobs (id, kind, payload, run_at, priority, created_at, updated_at, seq, status, last_error)
        select $2 || n, case when n % 1000 = 0 then 'rare' else 'mail' end, '{}', ended, 0, ended, ended,
          ((n / 100 + $4::bigint) * 1048576) + n % 100, $2, case when $2 = 'FAILED' then 'error ' || n end
        from generate_series(1, $1::integer) as n, to_timestamp(($3::float8 - ($1 - n) * 864) / 1000) as ended`,
      [JOBS, status, status === 'DONE' ? END : FAILED_END, (at * JOBS) / 100],
    )
  }
  await fresh.client.query(`select setval('runutil.job_seq', $1)`, [(2 * JOBS) / 100 + 1])
  await fresh.client.query(
    `select runutil.record_failures(array(select id from runutil.jobs where status = 'FAILED'))`,
  )
  await fresh.client.query('vacuum analyze runutil.jobs, runutil.job_failures')
})

/** How many buffers a page takes, however often it is asked for. */
async function buffersOf(query: JobQuery, after: string | null = null): Promise<number> {
  const call = `select * from runutil.find_jobs($$${queryJson(parseQuery(query, 'list'))}$$, 50, ${after === null ? 'null' : `'${after}'`}, null)`
  await fresh.client.query(call)
  const { rows } = await fresh.client.query<{ 'QUERY PLAN': string }>(`explain (analyze, buffers) ${call}`)
  const plan = rows.map((row) => row['QUERY PLAN']).join('\n')
  const [, hit = 0, read = 0] = /Buffers: shared(?: hit=(\d+))?(?: read=(\d+))?/.exec(plan) ?? []
  return Number(hit) + Number(read)
}

it.each<[string, JobQuery, number]>([
  ['the newest that failed', { status: 'FAILED' }, 400],
  ['the newest of a kind that failed', { status: 'FAILED', kind: 'rare' }, 400],
  [
    'those that failed before a time',
    { status: 'FAILED', endedAt: { lt: new Date(FAILED_END - 20 * HOUR_MS) } },
    400,
  ],
  ['the newest of all', {}, 400],
  ['the newest of a time', { createdAt: { gte: new Date(END - HOUR_MS) } }, 400],
  ['those of a time long ago', { createdAt: { lt: new Date(END - 20 * HOUR_MS) } }, 4_000],
  ['those that are done since a time', { status: 'DONE', endedAt: { gte: new Date(END - HOUR_MS) } }, 1_000],
  [
    'those that were done before a time',
    { status: 'DONE', endedAt: { lt: new Date(END - 20 * HOUR_MS) } },
    2_000,
  ],
  ['those that run', { status: 'RUNNING' }, 20],
  ['those that wait', { status: 'WAITING', kind: 'mail' }, 20],
  ['with an error that few have', { kind: 'mail', error: { contains: 'error 7' } }, 4_000],
  ['by how the id begins', { idPrefix: 'FAILED9999' }, 12_000],
])('reads few pages of 200,000 jobs for 50 of them: %s', async (_, query, most) => {
  expect(await buffersOf(query)).toBeLessThanOrEqual(most)
})

it('pages through all that failed, each once, and looks at no more for the last page than for the first', async () => {
  let after: string | undefined
  const seen = new Set<string>()
  let pages = 0
  do {
    const page = await fresh.queue.list({ status: 'FAILED', kind: 'rare' }, { limit: 40, after })
    for (const { id } of page.jobs) seen.add(id)
    after = page.next
    pages++
  } while (after !== undefined)
  expect(seen.size).toBe(JOBS / 1_000)
  expect(pages).toBeLessThanOrEqual(4)
})

it.each<[string, JobQuery, number]>([
  ['by their insertion', { kind: 'rare' }, (2 * JOBS) / 1_000],
  ['by their ends', { kind: 'rare', status: 'DONE', endedAt: { lte: new Date(END) } }, JOBS / 1_000],
])('pages through few of all jobs, with pages that are short or empty: %s', async (_, query, expected) => {
  const listed: string[] = []
  let after: string | undefined
  do {
    const { jobs, next } = await fresh.queue.list(query, { limit: 30, after })
    listed.push(...jobs.map(({ id }) => id))
    after = next
  } while (after !== undefined)
  const ofStatus = (status: string) =>
    Array.from({ length: JOBS / 1_000 }, (__, at) => `${status}${JOBS - at * 1_000}`)
  expect(listed).toEqual([...ofStatus('DONE'), ...ofStatus('FAILED')].slice(0, expected))
})

it('finds the few jobs that wait among very many of another kind', async () => {
  await fresh.queue.enqueue(Array.from({ length: 12_000 }, () => ({ kind: 'busy', priority: 1 })))
  const ids = await fresh.queue.enqueue([{ kind: 'calm' }, { kind: 'calm', delay: '1h' }])
  const { jobs, next } = await fresh.queue.list({ status: 'WAITING', kind: 'calm' })
  expect(jobs.map(({ id }) => id)).toEqual(ids.map(({ id }) => id).reverse())
  expect(next).toBeUndefined()
  expect(await buffersOf({ status: 'WAITING', kind: 'calm' })).toBeLessThanOrEqual(100)
  expect((await fresh.queue.list({ status: 'WAITING', kind: 'busy' })).jobs).toHaveLength(50)
})
