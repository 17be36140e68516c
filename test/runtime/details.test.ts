import { type DeclarativeWorker, Runtime, reportProgress, runAllWorkers } from 'runutil'
import { CoordinateWorker, MemoryCoordinateStore, createCoordinate } from 'runutil/coordinate'
import { cron } from 'runutil/cron'
import { Manager, MemoryActionLedger } from 'runutil/dispatch'
import { MemoryLeaseStore, distributedCron, singleton } from 'runutil/leases'
import { JobQueue, MemoryJobStore, QueueWorker } from 'runutil/queue'
import { VirtualClock } from 'runutil/testing'
import { expect, test } from 'vitest'
import { capturedLogger } from '../support/logs.ts'
import { untilAbort } from '../support/outcome.ts'
import { freshPool } from '../support/pool/pools.ts'

const NOON = Date.UTC(2026, 0, 1, 12)

interface Looked {
  readonly clock: VirtualClock
  readonly detail: unknown
}

/** The detail of a worker's node, once it is ready and `before` has run. Checks that an ended worker has none. */
async function detailOf(
  make: (clock: VirtualClock) => DeclarativeWorker['worker'] | Promise<DeclarativeWorker['worker']>,
  before: (clock: VirtualClock) => unknown = () => {},
): Promise<Looked> {
  const clock = new VirtualClock({ now: NOON })
  const runtime = new Runtime()
  const stop = new AbortController()
  const { logger } = capturedLogger()
  const ready = runtime.ready('/It')
  const entry = { name: 'It', worker: await make(clock), startTimeout: '1h' as const }
  const run = runAllWorkers([entry], stop.signal, { clock, runtime, logger })
  await clock.advance(0)
  await ready
  await before(clock)
  await clock.advance(0)
  const { detail } = runtime.get('/It')!
  stop.abort()
  await clock.advance(0)
  await run
  expect(runtime.get('/It')!.detail).toBeUndefined()
  return { clock, detail }
}

test('a QueueWorker shows its kinds, the jobs that run and wait, and how often it has claimed', async () => {
  let queue: JobQueue
  const { detail } = await detailOf(
    (clock) => {
      queue = new JobQueue(new MemoryJobStore({ clock }))
      const hangs = (_: unknown, signal: AbortSignal): Promise<void> => untilAbort(signal)
      return new QueueWorker(queue, { concurrency: 2 }).register('a', hangs).register('b', hangs)
    },
    () => queue.enqueue({ id: '1', kind: 'a' }),
  )
  const traceId = expect.any(String) as unknown
  expect(detail).toEqual({
    kinds: ['a', 'b'],
    concurrency: 2,
    waiting: 0,
    unsettled: 0,
    claims: 2,
    lostLeases: 0,
    running: [{ id: '1', kind: 'a', attempt: 1, since: new Date(NOON), traceId }],
  })
})

test('a QueueWorker counts the leases that it has lost', async () => {
  const { detail } = await detailOf(
    async (clock) => {
      const queue = new JobQueue(new MemoryJobStore({ clock }))
      await queue.enqueue([1, 2].map((id) => ({ id: `${id}`, kind: 'a' })))
      return new QueueWorker(queue, { concurrency: 2, lease: '1s' }).register('a', async (_, signal) => {
        await queue.cancel('1').catch(() => {})
        await untilAbort(signal)
      })
    },
    (clock) => clock.advance('1s'),
  )
  expect(detail).toMatchObject({ lostLeases: 1, running: [{ id: '2' }] })
})

test('a CoordinateWorker shows its tasks, their progress and its heartbeat', async () => {
  const { detail } = await detailOf(async (clock) => {
    const store = new MemoryCoordinateStore().withTime(() => clock.now())
    const namespace = await createCoordinate({ withTime: () => store }, { clock }).namespace('n')
    const spec = await namespace.setWorkSpec({ name: 'spec', runtime: 'node' })
    await spec.addWorkUnits([1, 2, 3].map((at) => ({ name: `${at}`, data: {} })))
    const task = (_: unknown, signal: AbortSignal): Promise<void> => {
      reportProgress(1, 3)
      return untilAbort(signal)
    }
    const tasks = { spec: task }
    return new CoordinateWorker({ namespace, workerId: 'w', concurrency: 1, tasks })
  })
  expect(detail).toEqual({
    namespace: 'n',
    workerId: 'w',
    concurrency: 1,
    children: 1,
    tasks: [{ workSpec: 'spec', attempts: 3, progress: { done: 1, total: 3, at: new Date(NOON) } }],
    heartbeat: new Date(NOON),
  })
})

test('a Manager shows its live workers, how many tasks wait for each, and how far the running one is', async () => {
  let manager: Manager
  const { detail } = await detailOf(
    (clock) => {
      manager = new Manager({ operation: 'test', ledger: new MemoryActionLedger(), clock })
      manager.workers.register('host', 'phone', (_, signal) => {
        reportProgress(1, 2, 'unlocked')
        return untilAbort(signal)
      })
      return manager
    },
    async (clock) => {
      for (const input of [1, 2, 3]) void manager.do('phone', input).catch(() => {})
      await clock.advance('1s')
    },
  )
  const since = new Date(NOON)
  const progress = { done: 1, total: 2, note: 'unlocked', at: new Date(NOON) }
  expect(detail).toEqual({
    operation: 'test',
    workers: [{ host: 'host', target: 'phone', since, queued: 2, progress }],
  })
})

test('a cron shows its pattern and next instant, a singleton its lease, a distributed cron both', async () => {
  const pattern = '30 12 * * *'
  const next = new Date(NOON + 30 * 60_000)
  expect((await detailOf(() => cron(pattern, () => {}))).detail).toEqual({ pattern, timezone: 'UTC', next })
  const held = await detailOf(
    (clock) => singleton(new MemoryLeaseStore({ clock }), 'one', untilAbort),
    (clock) => clock.advance('15s'),
  )
  // Renewed after a third of its 30 s.
  expect(held.detail).toEqual({ lease: 'one', held: true, fence: 1, until: new Date(NOON + 40_000) })
  const both = await detailOf((clock) => {
    return distributedCron(new MemoryLeaseStore({ clock }), 'one', pattern, () => {})
  })
  expect(both.detail).toEqual({ lease: 'one', held: false, pattern, timezone: 'UTC', next })
})

test('a ProcessPool shows its processes', async () => {
  const { pool } = freshPool({ numWorkers: 2 })
  const runtime = new Runtime()
  const stop = new AbortController()
  const { logger } = capturedLogger()
  const run = runAllWorkers([{ name: 'It', worker: pool }], stop.signal, { runtime, logger })
  await pool.start()
  await pool.exec('echo')
  const since = expect.any(Date) as unknown
  const rss = expect.toSatisfy((bytes: number) => bytes > 10 * 2 ** 20) as unknown
  const memory = process.platform === 'linux' ? { rss } : {}
  const idle = pool.workers.map(({ pid, numExecs }) => ({
    pid,
    state: 'ready',
    ...memory,
    execs: numExecs,
    since,
  }))
  expect(runtime.get('/It')!.detail).toEqual({ waiting: 0, running: 0, workers: 2, processes: idle })
  stop.abort()
  await run
})
