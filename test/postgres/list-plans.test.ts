import pg from 'pg'
import { type Database, PostgresJobStore, migrate, openDatabase } from 'runutil/postgres'
import { type JobQuery, JobQueue } from 'runutil/queue'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { queryJson } from '../../packages/runutil/src/postgres/queue/query-json.ts'
import { parseQuery } from '../../packages/runutil/src/queue/parse-query.ts'
import { createDatabase } from '../support/postgres/create-database.ts'

const JOBS = 100_000
const HOUR_MS = 3_600_000
/** When the last of the jobs below ended. */
const END = Date.UTC(2026, 0, 2)

let database: Database
let queue: JobQueue
let client: pg.Client
beforeAll(async () => {
  const url = await createDatabase(inject('postgresUrl'))
  database = await openDatabase(url)
  await migrate(database)
  queue = new JobQueue(new PostgresJobStore(database))
  client = new pg.Client(url)
  await client.connect()
  // A day of calls of a hundred jobs each, of two kinds, all of which failed; then as many that are done.
  for (const [at, status] of ['FAILED', 'DONE'].entries()) {
    await client.query(
      `insert into runutil.jobs (id, kind, payload, run_at, priority, created_at, updated_at, seq, status, last_error)
        select $2 || n, case when n % 1000 = 0 then 'rare' else 'mail' end, '{}', ended, 0, ended, ended,
          ((n / 100 + $4::bigint) * 1048576) + n % 100, $2, case when $2 = 'FAILED' then 'error ' || n end
        from generate_series(1, $1::integer) as n, to_timestamp(($3::float8 - ($1 - n) * 864) / 1000) as ended`,
      [JOBS, status, END, (at * JOBS) / 100],
    )
  }
  await client.query(`select setval('runutil.job_seq', $1)`, [(2 * JOBS) / 100 + 1])
  await client.query(
    `select runutil.record_failures(array(select id from runutil.jobs where status = 'FAILED'))`,
  )
  await client.query('vacuum analyze runutil.jobs, runutil.job_failures')
}, 60_000)
afterAll(async () => {
  await client?.end()
  await database?.close()
})

/** How many buffers a page takes, however often it is asked for. */
async function buffersOf(query: JobQuery, after: string | null = null): Promise<number> {
  const call = `select * from runutil.find_jobs($$${queryJson(parseQuery(query, 'list'))}$$, 50, ${after === null ? 'null' : `'${after}'`}, null)`
  await client.query(call)
  const { rows } = await client.query<{ 'QUERY PLAN': string }>(`explain (analyze, buffers) ${call}`)
  const [, hit = 0, read = 0] = /Buffers: shared(?: hit=(\d+))?(?: read=(\d+))?/.exec(
    rows.map((row) => row['QUERY PLAN']).join('\n'),
  )!
  return Number(hit) + Number(read)
}

it.each<[string, JobQuery, number]>([
  ['the newest that failed', { status: 'FAILED' }, 400],
  ['the newest of a kind that failed', { status: 'FAILED', kind: 'rare' }, 400],
  [
    'those that failed before a time',
    { status: 'FAILED', endedAt: { lt: new Date(END - 20 * HOUR_MS) } },
    400,
  ],
  ['the newest of all', {}, 400],
  ['the newest of a time', { createdAt: { gte: new Date(END - HOUR_MS) } }, 400],
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
    const page = await queue.list({ status: 'FAILED', kind: 'rare' }, { limit: 40, after })
    for (const { id } of page.jobs) seen.add(id)
    after = page.next
    pages++
  } while (after !== undefined)
  expect(seen.size).toBe(JOBS / 1_000)
  expect(pages).toBeLessThanOrEqual(4)
})

it('pages through all jobs in the order of their insertion, and through all that are done by their ends', async () => {
  for (const query of [{}, { status: 'DONE', endedAt: { lte: new Date(END) } }] as const) {
    const expected = query === undefined || !('status' in query) ? 2 * JOBS : JOBS
    let after: string | undefined
    let count = 0
    let last = Infinity
    do {
      const { jobs, next } = await queue.list(query, { limit: 1_000, after })
      for (const job of jobs) {
        const at =
          'status' in query
            ? job.endedAt!.getTime()
            : Number(job.id.replace(/\D/g, '')) + (job.status === 'DONE' ? JOBS : 0)
        expect(at <= last).toBe(true)
        last = at
      }
      count += jobs.length
      after = next
    } while (after !== undefined)
    expect(count).toBe(expected)
  }
}, 60_000)
