import { createServer } from 'node:http'
import { type Clock, type DeclarativeWorker, Runtime, repeat, runAllWorkers, systemClock } from 'runutil'
import { CoordinateWorker, MemoryCoordinateStore, createCoordinate } from 'runutil/coordinate'
import { cron } from 'runutil/cron'
import { Manager, MemoryActionLedger } from 'runutil/dispatch'
import { httpServer } from 'runutil/http'
import { MemoryLeaseStore, distributedCron, distributedRepeat, singleton } from 'runutil/leases'
import { JobQueue, MemoryJobStore, QueueWorker } from 'runutil/queue'
import { describe, expect, test } from 'vitest'
import { capturedLogger } from '../support/logs.ts'
import { untilAbort } from '../support/outcome.ts'
import { freshPool } from '../support/pool/pools.ts'

type Made = DeclarativeWorker['worker'] | Promise<DeclarativeWorker['worker']>

const MODULES: Record<string, (clock: Clock) => Made> = {
  repeat: () => repeat('1h', () => {}, { startImmediately: true }),
  cron: () => cron('0 0 * * *', () => {}),
  singleton: (clock) => singleton(new MemoryLeaseStore({ clock }), 'one', untilAbort),
  distributedRepeat: (clock) => distributedRepeat(new MemoryLeaseStore({ clock }), 'one', '1h', () => {}),
  distributedCron: (clock) => distributedCron(new MemoryLeaseStore({ clock }), 'one', '0 0 * * *', () => {}),
  httpServer: () => httpServer(createServer(), { port: 0 }),
  QueueWorker: (clock) =>
    new QueueWorker(new JobQueue(new MemoryJobStore({ clock }))).register('a', () => {}),
  CoordinateWorker: async (clock) => {
    const store = new MemoryCoordinateStore().withTime(() => clock.now())
    const namespace = await createCoordinate({ withTime: () => store }, { clock }).namespace('n')
    return new CoordinateWorker({ namespace, workerId: 'w', concurrency: 1, tasks: { spec: () => {} } })
  },
  Manager: (clock) => new Manager({ operation: 'test', ledger: new MemoryActionLedger(), clock }),
  ProcessPool: () => freshPool().pool,
}

describe('a worker that was restarted is ready again:', () => {
  test.each(Object.entries(MODULES))('%s', async (_, make) => {
    const runtime = new Runtime()
    const stop = new AbortController()
    const { logger } = capturedLogger()
    const ready = runtime.ready('/It')
    const run = runAllWorkers([{ name: 'It', worker: await make(systemClock) }], stop.signal, {
      runtime,
      logger,
    })
    await ready
    for (let time = 1; time <= 2; time++) {
      await runtime.restart('/It')
      await runtime.ready('/It')
      expect(runtime.get('/It')).toMatchObject({ state: 'ready', failures: 0 })
    }
    await runtime.stop('/It')
    expect(runtime.get('/It')).toMatchObject({ state: 'stopped', failures: 0 })
    await runtime.start('/It')
    await runtime.ready('/It')
    stop.abort()
    await run
  })
})
