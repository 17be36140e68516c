import { healthSnapshot, namedWorker, repeat, runAllWorkers } from 'runutil'
import { type Database, PostgresJobStore, PostgresLeaseStore, migrate, openDatabase } from 'runutil/postgres'
import { JobQueue, QueueWorker } from 'runutil/queue'
import { Probe } from 'runutil/testing'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { capturedLogger } from '../support/logs.ts'
import { ask } from '../support/postgres/ask.ts'
import { freshDatabase } from '../support/postgres/databases.ts'
import { rejection } from '../support/postgres/rejection.ts'
import { TcpProxy } from '../support/postgres/tcp-proxy.ts'

const PATIENCE = '60s'
const one = { text: 'select 1' }
const unknown = { code: 'ERR_STORE_UNAVAILABLE', outcomeUnknown: true }

let url: string
let drop: () => Promise<void>
let direct: Database
let proxy: TcpProxy
let database: Database

beforeAll(async () => {
  ;({ url, drop } = await freshDatabase())
  direct = await openDatabase(url)
  await migrate(direct)
})
afterAll(async () => {
  await direct.close()
  await drop()
})
beforeEach(async () => {
  proxy = await TcpProxy.start(url)
  database = await openDatabase(proxy.urlOf(url))
})
afterEach(async () => {
  await proxy.stop()
  await database.close()
})

/** Makes so many idle connections. */
async function idle(count: number): Promise<void> {
  await Promise.all(Array.from({ length: count }, () => database.query({ text: 'select pg_sleep(0.05)' })))
}

describe('a connection that goes silent', () => {
  it('rejects what is sent on it after its limit, and no idle one is used after it', async () => {
    await idle(4)
    proxy.silence()
    const error = await rejection(database.query(one, [], { limitMs: 400 }))
    expect(error).toMatchObject({ ...unknown, message: expect.stringContaining('400 ms') as string })
    expect(await database.query(one, [], { limitMs: 20_000 })).toEqual([[1]])
  })

  it('rolls back a transaction with limits, and is certain of it', async () => {
    const transaction = database.transaction(
      async (tx) => {
        await tx.query('select 1')
        proxy.silence()
        await tx.query('select 1')
      },
      { limitMs: 400 },
    )
    expect(await rejection(transaction)).toMatchObject({ ...unknown, outcomeUnknown: false })
  })

  it('does not hold up the close', async () => {
    await idle(3)
    await database.listen('channel', () => {})
    const claims = rejection(database.query(one, [], { reserved: 'claims' }))
    proxy.silence({ andNew: true })
    const asks = rejection(database.query(one))
    await database.close()
    await Promise.all([claims.catch(() => {}), asks])
  })

  it.each([
    ['acquire', (leases: PostgresLeaseStore) => leases.acquire('a', { leaseMs: 500, everyMs: undefined })],
    ['renew', (leases: PostgresLeaseStore) => leases.renew('a', 1, 500)],
  ])('rejects what a lease store is asked to %s within the lease', async (_, call) => {
    const leases = new PostgresLeaseStore(database)
    await call(leases)
    proxy.silence()
    expect(await rejection(call(leases))).toMatchObject(unknown)
  })
})

describe('a server that is slow', () => {
  it('is told to stop what took longer than its limit', async () => {
    expect(
      await rejection(database.query({ text: 'select pg_sleep(600)' }, [], { limitMs: 300 })),
    ).toMatchObject(unknown)
    // Waits for it, for as long as it takes.
    await ask(
      url,
      `do $$ begin
         while exists (select from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'
           and pid <> pg_backend_pid()) loop
           perform pg_stat_clear_snapshot();
           for i in 1..100000 loop end loop;
         end loop;
       end $$`,
    )
  })
})

describe('a worker whose connections go silent', () => {
  const workerOn = (its: Database, ran: Probe<string>): QueueWorker =>
    new QueueWorker(new JobQueue(new PostgresJobStore(its)), { lease: '1s', pollInterval: '200ms' }).register(
      'k',
      (job) => ran.hit(job.id),
    )

  it('says so, and runs the next job over new ones', async () => {
    const producer = new JobQueue(new PostgresJobStore(direct))
    const ran = new Probe<string>('ran', PATIENCE)
    const fired = new Probe('fired', PATIENCE)
    const look = (): void => void (healthSnapshot()['/Queue'] === 'firing' && fired.hit())
    const { logger, lines } = capturedLogger()
    const stop = new AbortController()
    const worker = namedWorker(workerOn(database, ran), 'Queue')
    const run = runAllWorkers([worker, repeat('50ms', look)], stop.signal, { logger })
    await producer.enqueue({ id: 'a', kind: 'k' })
    await ran.times(1)
    proxy.silence({ andNew: true })
    await producer.enqueue({ id: 'b', kind: 'k' })
    await fired.times(1)
    proxy.resume()
    await ran.times(2)
    stop.abort()
    await run
    expect(lines.map(({ msg }) => msg)).toContain('cannot reach the job store')
  })

  it('stops within its grace', async () => {
    const ran = new Probe<string>('ran', PATIENCE)
    const stop = new AbortController()
    const { logger } = capturedLogger()
    const run = runAllWorkers([workerOn(database, ran)], stop.signal, { logger, grace: '20s' })
    await new JobQueue(new PostgresJobStore(direct)).enqueue({ id: 'c', kind: 'k' })
    await ran.times(1)
    proxy.silence({ andNew: true })
    stop.abort()
    await run
  })
})
