import { createServer } from 'node:http'
import {
  type DeclarativeWorker,
  type Runnable,
  WorkerHungError,
  backoff,
  healthCheckpoint,
  repeat,
  retry,
  runAllWorkers,
  supervise,
  wait,
} from 'runutil'
import { CoordinateWorker, MemoryCoordinateStore, createCoordinate } from 'runutil/coordinate'
import { cron } from 'runutil/cron'
import { Manager, MemoryActionLedger } from 'runutil/dispatch'
import { httpServer } from 'runutil/http'
import { QueueWorker } from 'runutil/queue'
import { VirtualClock } from 'runutil/testing'
import { describe, expect, test } from 'vitest'
import { failureOf, untilAbort } from '../support/outcome.ts'
import { freshPool } from '../support/pool/pools.ts'
import { breakableQueue } from '../support/queue/fresh-worker.ts'
import { ObservedRun, named } from '../support/runtime/observed-run.ts'

/** A run of the entry /Watched, whose watchdog expires after a minute. */
class Watched extends ObservedRun {
  constructor(clock = new VirtualClock()) {
    super({ clock })
  }

  async watch(worker: DeclarativeWorker['worker'], rest: Partial<DeclarativeWorker> = {}): Promise<void> {
    void this.start(named('Watched', worker, { watchdog: '1m', retry: backoff('1h'), ...rest }), untilAbort)
    await this.clock.advance(0)
  }

  /** The times in s at which it was declared hung. */
  get hung(): number[] {
    const at = this.events.filter(({ type }) => type === 'hung').map((event) => event.at.getTime())
    return at.map((ms) => (ms - (this.clock.now() - this.clock.elapsed())) / 1_000)
  }
}

const never = (): Promise<void> => new Promise(() => {})

describe('a watchdog', () => {
  test('fails a worker without heartbeats with a WorkerHungError', async () => {
    const watched = new Watched()
    await watched.watch(untilAbort)
    await watched.clock.advance('70s')
    expect(watched.hung).toEqual([60])
    expect(watched.runtime.get('/Watched')).toMatchObject({
      state: 'restarting',
      lastError: { name: 'WorkerHungError' },
    })
    const failed = watched.events.find(({ type }) => type === 'failed')
    expect(failed).toMatchObject({ error: expect.any(WorkerHungError) as unknown })
    await watched.end()
  })

  test('makes the health of a worker firing as soon as it hangs', async () => {
    const watched = new Watched()
    await watched.watch((signal) => untilAbort(signal).then(() => wait('5s')))
    await watched.clock.advance('61s')
    expect(watched.runtime.get('/Watched')).toMatchObject({ state: 'hung', health: 'firing' })
    await watched.clock.advance('10s')
    await watched.end()
  })

  test('keeps what the worker throws when it is aborted as the cause', async () => {
    const cause = new Error('connection lost')
    for (const [thrown, expected] of [
      [cause, cause],
      [undefined, undefined],
    ]) {
      const watched = new Watched()
      await watched.watch((signal) =>
        untilAbort(signal).then(() => Promise.reject(thrown ?? (signal.reason as Error))),
      )
      await watched.clock.advance('61s')
      const failed = watched.events.find(({ type }) => type === 'failed') as { error: Error }
      expect(failed.error).toBeInstanceOf(WorkerHungError)
      expect(failed.error.cause).toBe(expected)
      await watched.end()
    }
  })

  test('counts from the start of each run of a repeat, but not during a pause', async () => {
    const watched = new Watched()
    let runs = 0
    await watched.watch(repeat('50s', (signal) => (++runs < 3 ? wait('45s', signal) : untilAbort(signal))))
    await watched.runtime.pause('/Watched')
    await watched.clock.advance('1h')
    await watched.runtime.resume('/Watched')
    const resumedAt = watched.clock.elapsed() / 1_000
    await watched.clock.advance('5m')
    // The third run starts 150 s later.
    expect([watched.hung, runs]).toEqual([[resumedAt + 210], 3])
    await watched.end()
  })

  test('applies to the runs of a cron, not to the time between them', async () => {
    const watched = new Watched(new VirtualClock({ now: Date.UTC(2026, 0, 1, 12) }))
    let runs = 0
    await watched.watch(
      cron('0 * * * *', (signal) => (++runs < 3 ? wait('50s', signal) : untilAbort(signal))),
    )
    await watched.clock.advance('3h')
    expect(watched.hung).toEqual([])
    await watched.clock.advance('2m')
    expect(watched.hung).toEqual([3 * 3_600 + 60])
    await watched.end()
  })

  test('of a supervisor counts heartbeats of all its descendants, including added and restarted ones', async () => {
    const watched = new Watched()
    const says = async (signal: AbortSignal): Promise<void> => {
      for (let times = 0; times < 4; times++) {
        await wait('50s', signal)
        healthCheckpoint()
      }
      await untilAbort(signal)
    }
    const inner = supervise([
      { name: 'Says', worker: says },
      { name: 'Silent', worker: untilAbort },
    ])
    await watched.watch(supervise([{ name: 'Inner', worker: inner }]))
    await watched.clock.advance('200s')
    await watched.runtime.add('/Watched/Inner', { name: 'Late', worker: says })
    await watched.clock.advance('50s')
    await watched.runtime.restart('/Watched/Inner/Says')
    await watched.clock.advance('4m')
    expect(watched.hung).toEqual([])
    await watched.clock.advance('2m')
    expect(watched.hung).toEqual([250 + 200 + 60])
    await watched.end()
  })

  test('of a supervisor counts heartbeats of runs within its workers, even if they fail repeatedly', async () => {
    const watched = new Watched()
    let left = 5
    const fails = async (signal: AbortSignal): Promise<void> => {
      await wait('50s', signal)
      if (left-- > 0) throw new Error('no connection')
      await untilAbort(signal)
    }
    const inner = { name: 'Inner', worker: fails, retry: backoff(0) }
    await watched.watch(supervise([(signal) => runAllWorkers([inner], signal)]))
    await watched.clock.advance('5m')
    expect(watched.hung).toEqual([])
    await watched.clock.advance('1m')
    expect(watched.hung).toEqual([5 * 50 + 60])
    await watched.end()
  })

  test.each<[string, Runnable[]]>([
    ['without workers', []],
    ['whose workers are done', [{ name: 'Done', worker: async () => {}, restart: 'transient' }]],
    ['whose worker waits for a restart', [() => Promise.reject(new Error('no connection'))]],
    ['whose worker has nothing to do', [cron('0 0 1 1 *', untilAbort)]],
    ['whose child is an idle supervisor', [supervise([cron('0 0 1 1 *', untilAbort)])]],
  ])('ignores a supervisor %s', async (_, workers) => {
    const watched = new Watched()
    await watched.watch(supervise(workers, { retry: backoff('1d') }))
    await watched.clock.advance('1h')
    expect(watched.hung).toEqual([])
    await watched.end()
  })

  test('ignores an idle QueueWorker, and fails one that settles nothing or whose claims do not return', async () => {
    const { clock, queue, store } = breakableQueue()
    const worker = new QueueWorker(queue, { pollInterval: '1h', lease: '2h' })
    worker.register('a', ({ id }, signal) => (id === 'hangs' ? untilAbort(signal) : wait('40s', signal)))
    const watched = new Watched(clock)
    await watched.watch(worker)
    await clock.advance('30m')
    await watched.runtime.pause('/Watched')
    await clock.advance('10m')
    await watched.runtime.resume('/Watched')
    await queue.enqueue(['1', '2', '3'].map((id) => ({ id, kind: 'a' })))
    await clock.advance('3m')
    expect([watched.hung, (await queue.get('3'))?.status]).toEqual([[], 'DONE'])
    await queue.enqueue({ id: 'hangs', kind: 'a' })
    await clock.advance('2m')
    expect(watched.hung).toEqual([44 * 60])
    await clock.advance('2h')
    await watched.runtime.restart('/Watched')
    store.silence('claim')
    await queue.enqueue({ id: '4', kind: 'a' })
    await clock.advance('2m')
    expect(watched.hung).toHaveLength(2)
    store.mend()
    await watched.end()
  })

  test('ignores an idle CoordinateWorker, and fails one whose attempts do nothing', async () => {
    const clock = new VirtualClock()
    const store = new MemoryCoordinateStore().withTime(() => clock.now())
    const namespace = await createCoordinate({ withTime: () => store }, { clock }).namespace('n')
    const spec = await namespace.setWorkSpec({ name: 'spec', runtime: 'node' })
    const watched = new Watched(clock)
    await watched.watch(
      new CoordinateWorker({
        namespace,
        concurrency: 1,
        pollInterval: '1h',
        tasks: {
          spec: async (attempts, signal) => {
            await wait('50s', signal)
            await attempts[0]!.finish()
            await wait('50s', signal)
            await attempts[1]!.renew('15m')
            await untilAbort(signal)
          },
        },
      }),
    )
    await clock.advance('30m')
    expect(watched.hung).toEqual([])
    await spec.addWorkUnits(['1', '2'].map((name) => ({ name, data: {} })))
    await clock.advance('5m')
    expect(watched.hung).toEqual([30 * 60 + 160])
    await watched.end()
  })

  test('ignores a Manager while its ledger answers, and fails it otherwise', async () => {
    const watched = new Watched()
    const ledger = new MemoryActionLedger()
    await watched.watch(new Manager({ operation: 'test', ledger, clock: watched.clock }))
    await watched.clock.advance('10m')
    expect(watched.hung).toEqual([])
    ledger.search = () => ({ [Symbol.asyncIterator]: () => ({ next: never }) }) as never
    const failure = failureOf(watched.over)
    await watched.clock.advance('62s')
    expect(watched.hung).toHaveLength(1)
    await watched.clock.advance('30s')
    expect(await failure).toMatchObject({ errors: [expect.any(WorkerHungError)] })
  })

  test('ignores a server', async () => {
    const watched = new Watched()
    const ready = watched.runtime.ready('/Watched')
    await watched.watch(httpServer(createServer(), { port: 0, host: '127.0.0.1', keepAliveGrace: 0 }), {
      startTimeout: '1m',
    })
    await ready
    await watched.clock.advance('1h')
    expect(watched.hung).toEqual([])
    await watched.end()
  })

  test('ignores an idle ProcessPool, and fails one that answers nothing', async () => {
    const { pool } = freshPool({ pingInterval: '30d' })
    const watched = new Watched()
    const ready = watched.runtime.ready('/Watched')
    await watched.watch(pool, { startTimeout: '1m' })
    await ready
    await watched.clock.advance('1h')
    for (let times = 0; times < 3; times++) {
      await pool.exec('echo')
      await watched.clock.advance('50s')
    }
    const restarting = new Promise<void>((resolve) =>
      watched.runtime.on(({ type }) => type === 'restarting' && resolve()),
    )
    const { pid } = pool.workers[0]!
    const hangs = failureOf(pool.exec('slow 600000'))
    await watched.clock.advance('59s')
    expect(watched.hung).toEqual([])
    await watched.clock.advance('1s')
    expect(watched.hung).toHaveLength(1)
    process.kill(pid, 'SIGKILL')
    expect((await hangs).name).toBe('WorkerError')
    await restarting
    await watched.end()
  })

  test.each<[string, DeclarativeWorker['worker'], number, number]>([
    ['the interval', repeat(1_000, () => {}), 1_000, 1_001],
    ['the interval and the jitter', repeat(1_000, () => {}, { jitter: 500 }), 1_500, 1_501],
    [
      'that of what it retries',
      retry(
        repeat(1_000, () => {}, { jitter: 500 }),
        backoff(0),
      ),
      1_500,
      1_501,
    ],
  ])('of a repeat is longer than %s', (_, worker, tooShort, longer) => {
    const entry = (watchdog: number): DeclarativeWorker => ({ name: 'A', worker, watchdog })
    expect(() => supervise([entry(tooShort)])).toThrow(
      `watchdog: expected more than the ${tooShort} ms between two runs; got ${tooShort} ms`,
    )
    expect(() => supervise([entry(longer)])).not.toThrow()
  })
})
