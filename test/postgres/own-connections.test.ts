import pg from 'pg'
import { type Database, PostgresJobStore, migrate, openDatabase } from 'runutil/postgres'
import { runAllWorkers } from 'runutil'
import { JobQueue, QueueWorker } from 'runutil/queue'
import { Probe } from 'runutil/testing'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { capturedLogger } from '../support/logs.ts'
import { ask } from '../support/postgres/ask.ts'
import { type FreshDatabase, freshDatabase } from '../support/postgres/databases.ts'
import { rejection } from '../support/postgres/rejection.ts'

const PATIENCE = '60s'
const one = { text: 'select 1' }
let fresh: FreshDatabase
const opened: { close(): Promise<void> }[] = []

beforeAll(async () => {
  fresh = await freshDatabase()
  const database = await openDatabase(fresh.url)
  await migrate(database)
  await database.close()
})
afterEach(async () => {
  for (const database of opened.splice(0)) await database.close()
})
afterAll(() => fresh.drop())

async function open(...args: Parameters<typeof openDatabase>): Promise<Database> {
  const database = await openDatabase(...args)
  opened.push(database)
  return database
}

/** Transactions that hold so many connections, until the returned function is called. */
async function holding(database: Database, count: number): Promise<() => Promise<void>> {
  const began = new Probe('began', PATIENCE)
  let end = (): void => {}
  const ending = new Promise<void>((resolve) => (end = resolve))
  const all = Array.from({ length: count }, () =>
    database.transaction(async (tx) => {
      await tx.query('select 1')
      began.hit()
      await ending
    }),
  )
  await began.times(count)
  return async () => {
    end()
    await Promise.all(all)
  }
}

/** How many connections of that name the server has. */
async function connectionsOf(name: string): Promise<number> {
  const text = 'select count(*)::int as count from pg_stat_activity where application_name = $1'
  return (await ask(fresh.url, text, [name]))[0]!['count' as never]
}

const named = (name: string): string => `${fresh.url}?application_name=${name}`

describe('who holds all connections of the pool', () => {
  it('holds up neither claims nor renewals nor LISTEN, so that no job runs twice', async () => {
    const database = await open(fresh.url, { max: 2 })
    const queue = new JobQueue(new PostgresJobStore(database))
    const other = new JobQueue(new PostgresJobStore(await open(fresh.url)))
    const ran = new Probe<string>('ran', PATIENCE)
    const renewed = new Probe('renewed', PATIENCE)
    let end = (): void => {}
    const ending = new Promise<void>((resolve) => (end = resolve))
    const worker = new QueueWorker(queue, { concurrency: 2, lease: '1s' }).register('k', (job) => {
      ran.hit(job.id)
      return database.transaction(async (tx) => {
        await tx.query('select 1')
        await ending
      })
    })
    const stop = new AbortController()
    const { logger } = capturedLogger()
    const run = runAllWorkers([worker], stop.signal, { logger })
    await queue.enqueue(['a', 'b'].map((id) => ({ id, kind: 'k' })))
    await ran.times(2)
    // Until each has been renewed twice, seen from outside; nobody else gets one.
    const text = 'select max(expires_at)::text as expires from runutil.job_claims'
    for (let last = ''; renewed.count < 3;) {
      const [row] = (await ask(fresh.url, text)) as [{ expires: string }]
      if (row.expires !== last) renewed.hit()
      last = row.expires
      expect(await other.store.claim(['k'], 2, '1s')).toEqual([])
    }
    end()
    await Promise.all(['a', 'b'].map((id) => other.result(id, { timeout: PATIENCE })))
    stop.abort()
    await run
    expect(ran.values.toSorted()).toEqual(['a', 'b'])
  })

  it.each([
    ['its own', 1, async () => open(fresh.url, { max: 1, acquireTimeout: 200 })],
    ['its own, of several', 2, async () => open(fresh.url, { max: 2, acquireTimeout: 200 })],
    [
      "a caller's pool with a limit",
      2,
      async () => open(callersPool({ max: 2, connectionTimeoutMillis: 200 })),
    ],
  ])('has a statement on %s told to pass tx, after a while', async (_, count, opening) => {
    const database = await opening()
    const release = await holding(database, count)
    const error = await rejection(database.query(one))
    expect(error).toMatchObject({ code: 'ERR_STORE_UNAVAILABLE', outcomeUnknown: false })
    expect((error as Error).message).toMatch(/pass \{ tx \} or raise max/)
    await release()
    // Who gave up doesn't keep the connection that it waited for.
    const again = await holding(database, count)
    await again()
  })
})

function callersPool(options: pg.PoolConfig): pg.Pool {
  const pool = new pg.Pool({ connectionString: fresh.url, ...options })
  opened.push({ close: () => pool.end() })
  return pool
}

describe('the connections that are kept for claims, renewals and LISTEN', () => {
  const useAll = async (database: Database): Promise<void> => {
    await database.listen('channel', () => {})
    const reserved = (['claims', 'renewals'] as const).flatMap((sort) =>
      Array.from({ length: 20 }, () =>
        database.query({ text: 'select pg_sleep(0.02)' }, [], { reserved: sort }),
      ),
    )
    const shared = Array.from({ length: 20 }, () => database.query({ text: 'select pg_sleep(0.02)' }))
    await Promise.all([...reserved, ...shared])
  }

  it('are three at most, beside max', async () => {
    const database = await open(named('three'), { max: 3 })
    await useAll(database)
    expect(await connectionsOf('three')).toBe(6)
  })

  it("are made with the options of a caller's pool, and end with the database", async () => {
    const pool = callersPool({ max: 2, application_name: 'theirs' })
    const connected: unknown[] = []
    pool.on('connect', (client) => connected.push(client))
    const database = await openDatabase(pool)
    await useAll(database)
    expect(connected).toHaveLength(5)
    expect(await connectionsOf('theirs')).toBe(5)
    await database.close()
    expect(pool.totalCount).toBe(2)
    expect(await connectionsOf('theirs')).toBe(2)
    expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }])
  })

  it('are none beside a pool of one', async () => {
    const database = await open(named('alone'), { max: 1 })
    await useAll(database)
    expect(await connectionsOf('alone')).toBe(1)
  })

  it("are the pool's where the server takes no more", async () => {
    const role = 'few'
    await ask(fresh.url, `create role ${role} login password 'x' connection limit 2`)
    const url = new URL(fresh.url)
    url.username = role
    url.password = 'x'
    const database = await open(url.href, { max: 2 })
    // Both connections that there may be are the pool's.
    await (
      await holding(database, 2)
    )()
    const release = await holding(database, 1)
    const both = (['claims', 'renewals'] as const).map((reserved) => database.query(one, [], { reserved }))
    expect(await Promise.all(both)).toEqual([[[1]], [[1]]])
    await release()
  })
})
