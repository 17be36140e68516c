import { runAllWorkers, wait } from 'runutil'
import { createCoordinate } from 'runutil/coordinate'
import { currentFence, distributedRepeat, singleton } from 'runutil/leases'
import {
  PostgresCoordinateStore,
  PostgresJobStore,
  PostgresLeaseStore,
  migrate,
  openDatabase,
} from 'runutil/postgres'
import { ErrJobExists, JobQueue, QueueWorker } from 'runutil/queue'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { settlementOf } from '../../packages/runutil/src/queue/outcome.ts'
import { capturedLogger } from '../support/logs.ts'
import { ask } from '../support/postgres/ask.ts'
import { PostgresServer } from '../support/postgres/server.ts'
import { TcpProxy } from '../support/postgres/tcp-proxy.ts'

// A server, another that follows it, and a switch between them and their clients: as a failover is done anywhere.
let primary: PostgresServer
let standby: PostgresServer
let network: TcpProxy
let url: string
beforeAll(async () => {
  primary = await PostgresServer.start()
  standby = await primary.standby()
  network = await TcpProxy.start(primary.url)
  url = network.urlOf(primary.url)
  const database = await openDatabase(url)
  await migrate(database)
  await database.close()
})
afterAll(async () => {
  await network?.stop()
  await Promise.all([primary?.stop(), standby?.stop()])
})

async function failOver(): Promise<void> {
  await primary.kill()
  await standby.promote()
  network.switchTo(standby.url)
}

const LEASE = '2s'
const REPLICAS = 3

it('loses nothing where the standby confirms: no job, no outcome, no lease', async () => {
  await primary.beSynchronous()
  const handled = new Map<string, number>()
  const settled = new Set<string>()
  const shifts = new Shifts()
  const stop = new AbortController()
  const databases = await Promise.all(Array.from({ length: REPLICAS }, () => openDatabase(url)))
  const running = databases.map((database) => {
    const queue = new JobQueue(new PostgresJobStore(database))
    queue.onEvent((event) => void (event.type === 'settled' && settled.add(event.id)))
    const leases = new PostgresLeaseStore(database)
    const worker = new QueueWorker(queue, { concurrency: 5, lease: LEASE }).register('count', ({ id }) => {
      handled.set(id, (handled.get(id) ?? 0) + 1)
    })
    const workers = [
      worker,
      distributedRepeat(leases, 'tick', '50ms', () => shifts.take('tick', () => wait('10ms')), {
        lease: LEASE,
      }),
      singleton(
        leases,
        'one',
        { run: (signal) => shifts.take('one', () => wait('1d', signal)) },
        { lease: LEASE },
      ),
    ]
    return runAllWorkers(workers, stop.signal, { logger: capturedLogger().logger })
  })

  const acknowledged: string[] = []
  const queue = new JobQueue(new PostgresJobStore(databases[0]!))
  const feeding = feed(queue, 600, acknowledged)
  await expect.poll(() => settled.size).toBeGreaterThan(200)
  await failOver()
  const before = new Set(settled)
  const runsBefore = new Map(handled)
  await feeding
  await expect.poll(async () => (await queue.counts()).count?.DONE).toBe(600)
  const ticks = shifts.of('tick').length
  await expect.poll(() => shifts.of('tick').length).toBeGreaterThan(ticks)
  stop.abort()
  await Promise.all(running)

  expect(acknowledged).toHaveLength(600)
  expect([...handled.keys()].sort()).toEqual([...acknowledged].sort())
  // What was recorded before stays so.
  expect([...before].filter((id) => handled.get(id) !== runsBefore.get(id))).toEqual([])
  const attempts = await ask(standby.url, 'select distinct attempts_done from runutil.jobs')
  expect(attempts).toEqual([{ attempts_done: 1 }])
  for (const name of ['tick', 'one']) expect(shifts.overlaps(name)).toEqual([])
  await Promise.all(databases.map((database) => database.close()))
})

it('gives out no number again where the standby lags: what the old server gave counts no more', async () => {
  await primary.stop()
  primary = standby
  standby = await primary.standby()
  const database = await openDatabase(url)
  const store = new PostgresJobStore(database)
  const leases = new PostgresLeaseStore(database)
  const coordinate = createCoordinate(new PostgresCoordinateStore(database))
  const namespace = await coordinate.namespace('failover')
  await (await namespace.setWorkSpec({ name: 'spec' })).addWorkUnits([{ name: 'unit', data: {} }])
  await new JobQueue(store).enqueue({ id: 'lagging', kind: 'lagging' })
  await ask(
    standby.url,
    `do $$ begin
    while not exists (select from runutil.jobs where id = 'lagging') loop perform pg_sleep(0.01); end loop; end $$`,
  )
  const resume = await standby.pause('fast')

  const take = async () => {
    const [job] = await store.claim(['lagging'], 1, '1h')
    const lease = await leases.acquire('lagging', { leaseMs: 60_000, everyMs: undefined })
    const worker = await namespace.worker('worker')
    const [attempt] = await worker.requestAttempts({})
    const fence = lease.kind === 'acquired' ? lease.fence : NaN
    return { job: job!, fence, attempt: attempt! }
  }
  const old = await take()
  await primary.kill()
  await resume()
  await standby.promote()
  network.switchTo(standby.url)
  const now = await take()

  expect(now.job.claim).toBeGreaterThan(old.job.claim)
  expect(now.fence).toBeGreaterThan(old.fence)
  const late = settlementOf(old.job, { status: 'DONE', result: '"late"' }, 1)
  expect(await store.settle([late])).toEqual([late])
  expect(await store.renew([old.job], '1h')).toEqual([old.job])
  expect(await leases.renew('lagging', old.fence, 60_000)).toBe(false)
  await leases.release('lagging', old.fence, 'unused')
  expect(await leases.renew('lagging', now.fence, 60_000)).toBe(true)
  await expect(old.attempt.finish()).rejects.toThrow()
  await now.attempt.finish()
  expect(await store.settle([settlementOf(now.job, { status: 'DONE', result: '"now"' }, 1)])).toEqual([])
  expect(await store.get('lagging')).toMatchObject({ status: 'DONE', result: 'now', attemptsDone: 1 })
  await database.close()
})

/** Enqueues jobs one by one, each until it is acknowledged. */
async function feed(queue: JobQueue, count: number, acknowledged: string[]): Promise<void> {
  for (let at = 0; at < count; at++) {
    const id = `job ${at}`
    for (;;) {
      try {
        await queue.enqueue({ id, kind: 'count' })
        break
      } catch (error) {
        // The answer to an earlier call was lost.
        if (error instanceof ErrJobExists) break
        await wait('20ms')
      }
    }
    acknowledged.push(id)
  }
}

interface Shift {
  readonly fence: number
  readonly from: number
  to: number
}

/** When what one replica at a time may do was done. */
class Shifts {
  readonly #shifts = new Map<string, Shift[]>()

  of(name: string): Shift[] {
    return this.#shifts.get(name) ?? []
  }

  async take(name: string, work: () => Promise<void>): Promise<void> {
    const shift = { fence: currentFence()!, from: performance.now(), to: Infinity }
    this.#shifts.set(name, [...this.of(name), shift])
    try {
      await work()
    } finally {
      shift.to = performance.now()
    }
  }

  /** Those that began before the one before them had ended, or had no greater fence. */
  overlaps(name: string): Shift[] {
    return this.of(name).filter(
      ({ from, fence }, at, all) => at > 0 && (from < all[at - 1]!.to || fence <= all[at - 1]!.fence),
    )
  }
}
