import {
  type HealthState,
  type Runnable,
  Runtime,
  WorkerGroupError,
  backoff,
  currentName,
  healthCheckpoint,
  healthSnapshot,
  namedWorker,
  repeat,
  runAllWorkers,
  wait,
} from 'runutil'
import { VirtualClock } from 'runutil/testing'
import { describe, expect, test } from 'vitest'
import { capturedLogger } from '../support/logs.ts'
import { failureOf, untilAbort } from '../support/outcome.ts'

describe('a declarative worker', () => {
  test('has its health stored under its full path', async () => {
    const seen: Record<string, HealthState>[] = []
    const inner: Runnable = { name: 'Inner', worker: () => void seen.push(healthSnapshot()) }
    const outer = namedWorker((signal) => runAllWorkers([inner], signal), 'Outer')
    await failureOf(runAllWorkers([outer]))
    expect(seen).toEqual([{ '/Outer/Inner': 'init' }])
  })

  test('has its name in each run and in the log lines of its retry', async () => {
    const { logger, lines } = capturedLogger()
    const clock = new VirtualClock()
    const stop = new AbortController()
    const names: string[] = []
    const worker = (): void => {
      names.push(currentName())
      throw new Error('down')
    }
    const declared = { name: 'Fetcher', worker, retry: backoff('1s') }
    const run = runAllWorkers([namedWorker(declared, 'Type')], stop.signal, { clock, logger })
    await clock.advance(2_500)
    stop.abort()
    await run
    expect(names).toEqual(Array(3).fill('/Type/Fetcher'))
    expect(lines.map(({ worker }) => worker)).toEqual(Array(3).fill('/Type/Fetcher'))
  })

  test('is restarted by its retry, so that its exit does not stop the group', async () => {
    const clock = new VirtualClock()
    const stop = new AbortController()
    let runs = 0
    const declared = { name: 'a', worker: () => void runs++, retry: backoff('1s') }
    const run = runAllWorkers([declared, untilAbort], stop.signal, { clock })
    await clock.advance(9_500)
    stop.abort()
    await run
    expect(runs).toBe(10)
  })

  test('stops the group with its first exit if it has no retry', async () => {
    const error = await failureOf<WorkerGroupError>(
      runAllWorkers([{ name: 'a', worker: () => {} }, untilAbort]),
    )
    expect(error.workers).toEqual(['/a'])
  })

  test.each<[string, Runnable, string]>([
    ['transient', { name: 'M', restart: 'transient', worker: () => {} }, 'done'],
    [
      'temporary',
      { name: 'M', restart: 'temporary', worker: () => Promise.reject(new Error('no')) },
      'failed',
    ],
    [
      'temporary, with a limit of its own,',
      { name: 'M', restart: 'temporary', startTimeout: '1s', worker: () => Promise.reject(new Error('no')) },
      'failed',
    ],
  ])('that is %s is so with another name around it too', async (_, declared, state) => {
    const { logger } = capturedLogger()
    for (const worker of [namedWorker(declared, 'X'), { name: 'O', worker: namedWorker(declared, 'X') }]) {
      const runtime = new Runtime()
      const clock = new VirtualClock()
      const stop = new AbortController()
      const workers = [worker, { name: 'Other', worker: untilAbort }]
      const run = runAllWorkers(workers, stop.signal, { clock, logger, runtime })
      await clock.advance(1)
      expect(runtime.tree().children.map((node) => node.state)).toEqual([state, 'ready'])
      expect(runtime.tree().children[0]!.failures).toBe(state === 'failed' ? 1 : 0)
      stop.abort()
      await run
    }
  })

  test('with an order among siblings is refused where it has none', () => {
    const declared: Runnable = { name: 'Api', after: 'Db', worker: untilAbort }
    expect(() => namedWorker(declared, 'X')).toThrow(
      "namedWorker: expected no after for 'Api', which has no siblings here; got 'Db'; give it to an entry of the group",
    )
  })

  test('may be an object whose run is called as a method', async () => {
    class Poller {
      polled = 0
      async run(): Promise<void> {
        this.polled++
      }
    }
    const poller = new Poller()
    await failureOf(runAllWorkers([{ name: 'a', worker: poller }]))
    expect(poller.polled).toBe(1)
  })
})

describe('its health', () => {
  async function statesOf(worker: Runnable, everyMs: number, times: number): Promise<(string | undefined)[]> {
    const clock = new VirtualClock()
    const stop = new AbortController()
    const states: (string | undefined)[] = []
    const watch = async (signal: AbortSignal): Promise<void> => {
      for (let n = 0; n < times; n++) {
        await wait(everyMs, signal)
        states.push(healthSnapshot()['/a'])
      }
      await untilAbort(signal)
    }
    const { logger } = capturedLogger()
    const run = runAllWorkers([worker, watch], stop.signal, { clock, logger })
    await clock.advance(everyMs * times)
    stop.abort()
    await run
    return states
  }

  test('is init until the first checkpoint', async () => {
    expect(await statesOf({ name: 'a', worker: untilAbort }, 5, 2)).toEqual(['init', 'init'])
  })

  test('becomes ok and firing with the runs of a repeat, and stays firing over a restart', async () => {
    let runs = 0
    const job = (): void => {
      if (++runs % 2 === 0) throw new Error('every other')
    }
    const states = await statesOf({ name: 'a', worker: repeat(10, job), retry: backoff(10) }, 5, 12)
    // Runs at 10 (ok) and 20 (firing), and after the restart at 30 again at 40 (ok) and 50 (firing).
    expect(states).toEqual([
      'init',
      ...Array<string>(2).fill('ok'),
      ...Array<string>(4).fill('firing'),
      ...Array<string>(2).fill('ok'),
      ...Array<string>(3).fill('firing'),
    ])
  })

  test('is firing after an error of a worker without checkpoints', async () => {
    const worker = async (): Promise<void> => {
      await wait(7)
      throw new Error('down')
    }
    expect(await statesOf({ name: 'a', worker, retry: backoff(10) }, 5, 3)).toEqual([
      'init',
      'firing',
      'firing',
    ])
  })

  test('is that of the latest checkpoint of the worker', async () => {
    const worker = async (signal: AbortSignal): Promise<void> => {
      for (const error of [undefined, new Error('x'), 'text', 0, undefined]) {
        healthCheckpoint(error)
        await wait(10, signal)
      }
      await untilAbort(signal)
    }
    const states = await statesOf({ name: 'a', worker }, 6, 8)
    expect(states).toEqual(['ok', 'firing', 'firing', 'firing', 'firing', 'firing', 'ok', 'ok'])
  })

  test('does not become firing on abort', async () => {
    const clock = new VirtualClock()
    const stop = new AbortController()
    const states: unknown[] = []
    const aborts = async (signal: AbortSignal): Promise<void> => {
      await untilAbort(signal)
      signal.throwIfAborted()
    }
    const watch = async (signal: AbortSignal): Promise<void> => {
      await untilAbort(signal)
      await wait(10)
      states.push(healthSnapshot())
    }
    const workers: Runnable[] = [
      { name: 'plain', worker: aborts },
      { name: 'repeated', worker: repeat(5, aborts, { startImmediately: true }) },
      watch,
    ]
    const run = runAllWorkers(workers, stop.signal, { clock })
    await clock.advance(20)
    stop.abort()
    await clock.advance(20)
    await run
    expect(states).toEqual([{ '/plain': 'init', '/repeated': 'init' }])
  })

  test('is not visible in another run', async () => {
    const clock = new VirtualClock()
    const controller = new AbortController()
    const { logger } = capturedLogger()
    const snapshots: Record<string, string>[] = []
    let runs = 0
    const flaky = repeat('10s', () => {
      if (++runs === 2) throw new Error('second')
    })
    const watch = async (signal: AbortSignal): Promise<void> => {
      while (!signal.aborted) {
        snapshots.push(healthSnapshot())
        await wait('7s', signal)
      }
    }
    const run = runAllWorkers(
      [{ name: 'flaky', worker: flaky, retry: backoff('1m') }, watch],
      controller.signal,
      { clock, logger },
    )
    let other: Record<string, string> = {}
    const second = new AbortController()
    const otherRun = runAllWorkers(
      [async (signal) => ((other = healthSnapshot()), wait('1h', signal))],
      second.signal,
    )
    await clock.advance('22s')
    controller.abort()
    second.abort()
    await Promise.all([run, otherRun])
    expect(snapshots).toEqual(
      [{ flaky: 'init' }, { flaky: 'init' }, { flaky: 'ok' }, { flaky: 'firing' }].map(({ flaky }) => ({
        '/flaky': flaky,
      })),
    )
    expect(other).toEqual({})
    expect(healthSnapshot()).toEqual({})
  })
})
