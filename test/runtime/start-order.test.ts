import {
  type DeclarativeWorker,
  type Runnable,
  ShutdownTimeoutError,
  StartTimeoutError,
  Worker,
  WorkerGroupError,
  backoff,
  repeat,
  runAllWorkers,
  runProvidedWorkers,
  supervise,
  wait,
  workerReady,
} from 'runutil'
import { VirtualClock } from 'runutil/testing'
import { describe, expect, test } from 'vitest'
import { capturedLogger } from '../support/logs.ts'
import { failureOf, untilAbort } from '../support/outcome.ts'
import { fresh } from '../support/runtime/run-group.ts'

/** Workers on one clock that become ready and stop after some time. */
class Play {
  readonly clock = new VirtualClock({ auto: true })
  readonly lines: string[] = []
  readonly captured = capturedLogger()

  entry(name: string, after: string | string[] = [], readyMs = 0, stopMs = 100): DeclarativeWorker {
    return { name, after, worker: this.worker(name, readyMs, stopMs) }
  }

  worker(name: string, readyMs = 0, stopMs = 100) {
    return async (signal: AbortSignal): Promise<void> => {
      this.lines.push(`${this.clock.elapsed()} +${name}`)
      await wait(readyMs, signal)
      workerReady()
      await wait('1d', signal)
      this.lines.push(`${this.clock.elapsed()} abort ${name}`)
      await wait(stopMs)
      this.lines.push(`${this.clock.elapsed()} -${name}`)
    }
  }

  run(workers: Runnable[], forMs: number, grace?: number): Promise<void> {
    const stop = new AbortController()
    this.clock.setTimeout(() => stop.abort(), forMs)
    return runAllWorkers(workers, stop.signal, { clock: this.clock, logger: this.captured.logger, grace })
  }
}

describe('a worker that comes after another', () => {
  test('starts when the other is ready and stops before it, regardless of their order in the list', async () => {
    const play = new Play()
    await play.run(
      [play.entry('Api', ['Cache', 'Db']), play.entry('Cache', 'Db', 500), play.entry('Db', [], 1_000)],
      5_000,
    )
    expect(play.lines).toEqual([
      '0 +Db',
      '1000 +Cache',
      '1500 +Api',
      '5000 abort Api',
      '5100 -Api',
      '5100 abort Cache',
      '5200 -Cache',
      '5200 abort Db',
      '5300 -Db',
    ])
  })

  test('starts when the other is done', async () => {
    const play = new Play()
    const migrate: DeclarativeWorker = { name: 'Migrate', worker: () => wait('3s'), restart: 'transient' }
    await play.run([play.entry('Api', 'Migrate'), migrate], 5_000)
    expect(play.lines[0]).toBe('3000 +Api')
  })

  test('keeps running while the other is restarted', async () => {
    const play = new Play()
    let starts = 0
    const db = async (signal: AbortSignal): Promise<void> => {
      workerReady()
      await wait(++starts === 1 ? 1_000 : '1d', signal)
      if (!signal.aborted) throw new Error('down')
    }
    await play.run([play.entry('Api', 'Db'), { name: 'Db', worker: db, retry: backoff(500) }], 3_000)
    expect(play.lines).toEqual(['0 +Api', '3000 abort Api', '3100 -Api'])
    expect(starts).toBe(2)
  })

  test('says why, if a worker that was not ready in time throws what kept it', async () => {
    const clock = new VirtualClock({ auto: true })
    const cause = new Error('connect ECONNREFUSED')
    const worker = async (signal: AbortSignal): Promise<void> => {
      await untilAbort(signal)
      throw cause
    }
    const { logger } = capturedLogger()
    const run = runAllWorkers([{ name: 'Db', startTimeout: '5s', worker }], undefined, { clock, logger })
    const { errors } = await failureOf<WorkerGroupError>(run)
    expect(errors).toEqual([expect.any(StartTimeoutError)])
    expect(errors[0]!.cause).toBe(cause)
  })

  test('keeps waiting if the start of the other times out, which aborts that with a StartTimeoutError', async () => {
    const play = new Play()
    const reasons: unknown[] = []
    let starts = 0
    const slow = async (signal: AbortSignal): Promise<void> => {
      if (++starts === 2) workerReady()
      await wait('1h', signal)
      reasons.push(signal.reason)
    }
    const db: DeclarativeWorker = { name: 'Db', worker: slow, startTimeout: '20s', retry: backoff('1s') }
    await play.run([play.entry('Api', 'Db'), db], 30_000)
    expect(reasons[0]).toBeInstanceOf(StartTimeoutError)
    expect(play.lines[0]).toBe('21000 +Api')
    const waits = play.captured.lines.filter(({ msg }) => msg.includes('waits for'))
    expect(waits.map(({ msg }) => msg)).toEqual(['/Api waits for /Db, which has not called workerReady()'])
  })

  test('limits the start of the other to a minute by default', async () => {
    const play = new Play()
    const { errors } = await failureOf<WorkerGroupError>(
      play.run([play.entry('Api', 'Db'), { name: 'Db', worker: (signal) => wait('1h', signal) }], 100_000),
    )
    expect(errors).toEqual([expect.any(StartTimeoutError)])
    expect(play.clock.elapsed()).toBeGreaterThanOrEqual(60_000)
    expect(play.lines).toEqual([])
  })

  test('starts when all workers of a supervisor are ready, and a repeat is so immediately', async () => {
    const play = new Play()
    const inner = supervise([play.entry('A', [], 200), { name: 'R', worker: repeat('1h', () => {}) }])
    await play.run([play.entry('Api', 'Sup'), { name: 'Sup', worker: inner }], 1_000)
    expect(play.lines.slice(0, 2)).toEqual(['0 +A', '200 +Api'])
  })
})

describe('levels', () => {
  test('get equal shares of the remaining grace, so that all workers are aborted', async () => {
    const play = new Play()
    const workers = [
      play.entry('A', [], 0, 10_000),
      play.entry('B', 'A', 0, 10_000),
      play.entry('C', 'B', 0, 300),
    ]
    const { errors } = await failureOf<WorkerGroupError>(play.run(workers, 1_000, 3_000))
    expect(play.lines.slice(3, 7)).toEqual(['1000 abort C', '1300 -C', '1300 abort B', '2650 abort A'])
    expect(errors).toEqual([expect.any(ShutdownTimeoutError)])
    expect(errors[0]).toMatchObject({ workers: ['/A', '/B'] })
    expect(play.clock.elapsed()).toBeGreaterThanOrEqual(4_000)
  })

  test('end after a stopTimeout that is shorter', async () => {
    const play = new Play()
    const slow = { ...play.entry('B', 'A', 0, 2_500), stopTimeout: 200 }
    await play.run([play.entry('A'), slow], 1_000, 10_000)
    expect(play.lines.slice(2)).toEqual(['1000 abort B', '1200 abort A', '1300 -A', '3500 -B'])
  })

  test('of a supervisor share the time of its own level', async () => {
    const play = new Play()
    const inner = supervise([play.entry('A', [], 0, 10_000), play.entry('B', 'A', 0, 10_000)])
    const workers = [{ name: 'Sup', worker: inner, after: 'Db' }, play.entry('Db', [], 0, 10_000)]
    const { errors } = await failureOf<WorkerGroupError>(play.run(workers, 1_000, 4_000))
    expect(play.lines.filter((line) => line.includes('abort'))).toEqual([
      '1000 abort B',
      '2000 abort A',
      '3000 abort Db',
    ])
    expect(errors[0]).toMatchObject({ workers: ['/Sup/A', '/Sup/B', '/Db'] })
  })
})

describe('classes', () => {
  test('can come after classes, and be supervised as a whole', async () => {
    const play = new Play()
    let fails = 1
    @Worker({ group: 'order', supervise: { strategy: 'one_for_all', retry: backoff(50) } })
    class Db {
      workers = (): Runnable[] => [
        play.entry('Pool', [], 300),
        {
          name: 'Ping',
          worker: (signal) => (
            workerReady(),
            wait('2s', signal).then(() => void (signal.aborted || raiseOnce()))
          ),
        },
      ]
    }
    const raiseOnce = (): void => {
      if (fails-- > 0) throw new Error('ping')
    }
    @Worker({ group: 'order', after: Db })
    class Api {
      workers = (): Runnable[] => [play.entry('Http')]
    }
    void Api
    const stop = new AbortController()
    play.clock.setTimeout(() => stop.abort(), 3_000)
    await runProvidedWorkers(fresh(), stop.signal, {
      group: 'order',
      clock: play.clock,
      logger: play.captured.logger,
    })
    expect(play.lines).toEqual([
      '0 +Pool',
      '300 +Http',
      '2000 abort Pool',
      '2100 -Pool',
      '2100 +Pool',
      '3000 abort Http',
      '3100 -Http',
      '3100 abort Pool',
      '3200 -Pool',
    ])
  })

  test('can only come after classes of the same run', async () => {
    class Elsewhere {}
    @Worker({ group: 'order-alone', after: Elsewhere })
    class Alone {
      workers = (): Runnable[] => []
    }
    void Alone
    await expect(
      runProvidedWorkers(fresh(), undefined, { group: 'order-alone', logger: new Play().captured.logger }),
    ).rejects.toThrow(/after of 'Alone': expected the name of a sibling; got 'Elsewhere'; it has none/)
  })
})

describe('is rejected before anything runs:', () => {
  const play = new Play()
  test.each<[string, Runnable[], RegExp]>([
    [
      'an unknown name',
      [play.entry('Api', 'Dbb'), play.entry('Db')],
      /after of 'Api': .* got 'Dbb'; did you mean 'Db'\?/,
    ],
    [
      'a circle',
      [play.entry('A', 'B'), play.entry('B', 'C'), play.entry('C', 'A')],
      /got a circle: (A after B after C after A|B after C after A after B|C after A after B after C)/,
    ],
    ['itself', [play.entry('A', 'A')], /got a circle: A after A/],
  ])('%s', async (_, workers, message) => {
    await expect(runAllWorkers(workers)).rejects.toThrow(message)
    expect(() => supervise(workers)).toThrow(message)
  })
})
