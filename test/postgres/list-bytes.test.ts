import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import pg from 'pg'
import { JobQueue } from 'runutil/queue'
import { type Database, PostgresJobStore, migrate, openDatabase } from 'runutil/postgres'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { controlJobs } from '../../packages/runutil/src/ops/control/job-control.ts'
import { readModel } from '../support/ops/read-models.ts'
import { type FreshDatabase, freshDatabase } from '../support/postgres/databases.ts'

const JOBS = 30
const PAYLOAD_BYTES = 256 * 1024
/** For all jobs together, with 2,000 characters of each error. */
const MOST_BYTES = 100 * 1024

let fresh: FreshDatabase
let pool: pg.Pool
let database: Database
let queue: JobQueue
const sockets = new Set<Socket>()
beforeAll(async () => {
  fresh = await freshDatabase()
  pool = new pg.Pool({ connectionString: fresh.url, max: 2 })
  pool.on('connect', (client) => {
    sockets.add((client as unknown as { connection: { stream: Socket } }).connection.stream)
  })
  database = await openDatabase(pool)
  await migrate(database)
  queue = new JobQueue(new PostgresJobStore(database))
  const payload = randomBytes(PAYLOAD_BYTES / 2).toString('hex')
  await queue.enqueue(Array.from({ length: JOBS }, (_, at) => ({ id: `${at}`, kind: 'a', payload })))
  for (let ended = 0; ended < JOBS; ended++) {
    await queue.dequeue(['a'], async (job) => ({
      ...job,
      status: 'FAILED',
      lastError: payload.slice(-60_000),
    }))
  }
})
afterAll(async () => {
  await database?.close()
  await pool?.end()
  await fresh?.drop()
})

/** How many bytes a call receives from the server, and how many blocks of large values the server reads for it. */
async function costOf(call: () => Promise<unknown>): Promise<{ bytes: number; blocks: number }> {
  const received = (): number => [...sockets].reduce((sum, { bytesRead }) => sum + bytesRead, 0)
  const blocksBefore = await largeBlocks()
  const before = received()
  await call()
  const bytes = received() - before
  return { bytes, blocks: (await largeBlocks()) - blocksBefore }
}

async function largeBlocks(): Promise<number> {
  await database.query({ text: 'select pg_stat_force_next_flush()' })
  const text = `select (toast_blks_read + toast_blks_hit)::float8 from pg_statio_user_tables where relname = 'jobs'`
  const [row] = await database.query<[number]>({ text })
  return row![0]
}

it('a page of jobs holds their payloads', async () => {
  const { bytes } = await costOf(() => queue.list({ status: 'FAILED' }))
  expect(bytes).toBeGreaterThan(JOBS * PAYLOAD_BYTES)
})

it.each<[string, () => Promise<unknown>]>([
  ['a page of summaries', () => queue.listSummaries({ status: 'FAILED' })],
  ["an operator's page", () => readModel({ queue }).jobs({ status: 'failed' })],
  ["an operator's count", () => controlJobs(queue, 'retry', { query: { kind: 'a' }, dryRun: true })],
])('%s neither receives nor reads them', async (_, call) => {
  const { bytes, blocks } = await costOf(call)
  expect(bytes).toBeLessThan(MOST_BYTES)
  // For the beginnings of their errors.
  expect(blocks).toBeLessThanOrEqual(4 * JOBS)
})

it.each<[string, () => Promise<unknown>]>([
  ['a retry by query', async () => expect(await queue.retry({ kind: 'a', status: 'FAILED' })).toBe(JOBS)],
  ['a cancellation by query', async () => expect(await queue.cancel({ kind: 'a' })).toBe(JOBS)],
  ['a deletion by query', async () => expect(await queue.delete({ kind: 'a' })).toBe(JOBS)],
])('%s receives none of them', async (_, call) => {
  expect((await costOf(call)).bytes).toBeLessThan(MOST_BYTES)
})
