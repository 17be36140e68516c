import { getEventListeners } from 'node:events'
import { InvalidArgumentError, WorkerGroupError, currentLogger, repeat, runAllWorkers, wait } from 'runutil'
import { Probe, VirtualClock } from 'runutil/testing'
import { describe, expect, test, vi } from 'vitest'
import { capturedLogger } from '../support/logs.ts'
import { failureOf, follow } from '../support/outcome.ts'
import { lengthOf } from '../support/runtime/repeated.ts'

/** Runs a repeat for `forMs`, whose runs take these times cyclically, and returns the start times. */
async function startsOf(
  every: number,
  lengths: number[],
  forMs: number,
  options: { startImmediately?: boolean } = {},
): Promise<number[]> {
  const clock = new VirtualClock()
  const stop = new AbortController()
  const starts: number[] = []
  const job = async (): Promise<void> => {
    const length = lengthOf(starts.length, lengths)
    starts.push(clock.elapsed())
    if (length > 0) await wait(length)
  }
  const run = runAllWorkers([repeat(every, job, options)], stop.signal, { clock })
  await clock.advance(forMs)
  stop.abort()
  await clock.advance(Math.max(...lengths))
  await run
  expect(clock.pending).toBe(0)
  return starts
}

describe('starts follow a fixed schedule:', () => {
  test.each<[string, number, number[], number, { startImmediately?: boolean }, number[]]>([
    ['the first after one interval', 10, [0], 35, {}, [10, 20, 30]],
    ['regardless of the durations of runs', 10, [1, 9, 5, 0], 45, {}, [10, 20, 30, 40]],
    ['immediately with startImmediately', 10, [0], 25, { startImmediately: true }, [0, 10, 20]],
    ['from the end of the immediate run', 10, [4, 0], 30, { startImmediately: true }, [0, 14, 24]],
    ['even if that takes longer than the interval', 10, [25, 0], 50, { startImmediately: true }, [0, 35, 45]],
    ['one missed start is caught up immediately', 10, [15, 0], 45, {}, [10, 25, 30, 45]],
    ['further missed starts are dropped', 10, [35, 0, 0, 0, 0], 75, {}, [10, 45, 50, 60, 70]],
    ['a run that ends at a scheduled start is followed by one run', 10, [10, 0, 0], 45, {}, [10, 20, 30, 40]],
    ['a run of two intervals', 10, [20, 0, 0], 55, {}, [10, 30, 40, 50]],
    ['runs that always take too long', 10, [25], 95, {}, [10, 35, 60, 85]],
  ])('%s', async (_, every, lengths, forMs, options, expected) => {
    expect(await startsOf(every, lengths, forMs, options)).toEqual(expected)
  })

  test('100 intervals of 20 ms take 2000 ms, even though each run takes 3 ms', async () => {
    const starts = await startsOf(20, [3], 2_000)
    expect(starts).toEqual(Array.from({ length: 100 }, (_, n) => 20 * (n + 1)))
  })

  test('fractional intervals do not drift', async () => {
    const starts = await startsOf(0.1, [0], 100.05)
    expect(starts).toHaveLength(1_000)
    expect(starts.every((at, n) => Math.abs(at - 0.1 * (n + 1)) < 1e-6)).toBe(true)
  })

  test('no start is early in real time', async () => {
    const stop = new AbortController()
    const starts: number[] = []
    const begun = performance.now()
    await repeat(5, () => {
      starts.push(performance.now() - begun)
      if (starts.length === 40) stop.abort()
    }).run(stop.signal)
    // On a busy machine starts may be late or dropped, so start n is at its scheduled time or later.
    expect(starts.every((at, n) => at >= 5 * (n + 1) - 0.5)).toBe(true)
  })

  test('intervals longer than a native timer work', async () => {
    const month = 30 * 24 * 3_600_000
    expect(await startsOf(month, [0], 2.5 * month)).toEqual([month, 2 * month])
  })
})

describe('a run', () => {
  test('never overlaps with another', async () => {
    const clock = new VirtualClock({ auto: true })
    const stop = new AbortController()
    let running = 0
    let most = 0
    let runs = 0
    const job = async (): Promise<void> => {
      most = Math.max(most, ++running)
      await wait(7 * (runs % 5))
      running--
      if (++runs === 50) stop.abort()
    }
    await runAllWorkers([repeat(3, job)], stop.signal, { clock })
    expect(most).toBe(1)
  })

  test('gets the signal of its worker, and is awaited after the abort', async () => {
    const clock = new VirtualClock()
    const stop = new AbortController()
    const seen: unknown[] = []
    const job = async (signal: AbortSignal): Promise<void> => {
      await wait('1h', signal)
      seen.push(signal.reason)
      await wait(50)
      seen.push('ended')
    }
    const run = follow(runAllWorkers([repeat(10, job)], stop.signal, { clock }))
    await clock.advance(15)
    stop.abort('enough')
    await clock.advance(49)
    expect([seen, run.settled]).toEqual([['enough'], 'no'])
    await clock.advance(1)
    expect([seen, run.settled]).toEqual([['enough', 'ended'], 'resolved'])
  })

  test.each([
    ['while it waits', 15],
    ['at the time of a start', 20],
  ])('does not start after the abort: %s', async (_, at) => {
    const clock = new VirtualClock()
    const stop = new AbortController()
    clock.setTimeout(() => stop.abort(), at)
    const starts: number[] = []
    const run = runAllWorkers([repeat(10, () => void starts.push(clock.elapsed()))], stop.signal, { clock })
    await clock.advance('1h')
    await run
    expect(starts).toEqual([10])
    expect(clock.pending).toBe(0)
  })

  test('does not catch up on a missed start after the abort', async () => {
    const clock = new VirtualClock()
    const stop = new AbortController()
    const starts: number[] = []
    const job = async (): Promise<void> => {
      starts.push(clock.elapsed())
      await wait(35)
      stop.abort()
    }
    const run = runAllWorkers([repeat(10, job)], stop.signal, { clock })
    await clock.advance(100)
    await run
    expect(starts).toEqual([10])
  })

  test.each([true, false])(
    'does not start if the signal has aborted (startImmediately: %s)',
    async (startImmediately) => {
      const job = vi.fn()
      const signal = AbortSignal.abort()
      await repeat(1, job, { startImmediately }).run(signal)
      expect(job).not.toHaveBeenCalled()
      expect(getEventListeners(signal, 'abort')).toHaveLength(0)
    },
  )

  test('calls runOnce as a method', async () => {
    class Sync {
      runs = 0
      readonly #stop: AbortController
      constructor(stop: AbortController) {
        this.#stop = stop
      }
      async runOnce(): Promise<void> {
        if (++this.runs === 3) this.#stop.abort()
      }
    }
    const stop = new AbortController()
    const sync = new Sync(stop)
    await runAllWorkers([repeat('1m', sync)], stop.signal, { clock: new VirtualClock({ auto: true }) })
    expect(sync.runs).toBe(3)
  })

  test('has its own span in the trace of its worker', async () => {
    const { logger, lines, texts } = capturedLogger()
    const clock = new VirtualClock()
    const controller = new AbortController()
    const worker = repeat('1s', async () => {
      currentLogger().info('first')
      await wait(1)
      currentLogger().info('second')
    })
    const run = runAllWorkers([{ name: 'ticker', worker }], controller.signal, { clock, logger })
    await clock.advance('2100ms')
    controller.abort()
    await run
    expect(lines.map(({ worker, msg }) => `${worker} ${msg}`)).toEqual(
      ['first', 'second', 'first', 'second'].map((msg) => `/ticker ${msg}`),
    )
    expect(new Set(lines.map(({ traceId }) => traceId)).size).toBe(1)
    expect(lines[0]!.spanId).toBe(lines[1]!.spanId)
    expect(lines[0]!.spanId).not.toBe(lines[2]!.spanId)
    for (const text of texts) expect(text.match(/"worker"/g)).toHaveLength(1)
  })
})

describe('the error of a run', () => {
  const ways: [string, (error: unknown) => Promise<void> | void][] = [
    [
      'thrown',
      (error) => {
        throw error
      },
    ],
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- non-Errors are part of the table
    ['rejected', (error) => Promise.reject(error)],
  ]
  const thrown = [new Error('broken'), Object.freeze(new Error('frozen')), 'text', undefined, null]
  const cases = ways.flatMap(([way, fail]) => thrown.map((error) => ({ way, fail, error })))

  test.each(cases)('ends the worker with that error, $way: $error', async ({ fail, error }) => {
    for (const startImmediately of [true, false]) {
      const { signal } = new AbortController()
      const job = vi.fn(() => fail(error))
      const caught = await failureOf<unknown>(repeat(1, job, { startImmediately }).run(signal))
      expect(caught).toBe(error)
      expect(job).toHaveBeenCalledTimes(1)
      expect(getEventListeners(signal, 'abort')).toHaveLength(0)
    }
  })

  test('counts even after the abort', async () => {
    const stop = new AbortController()
    const started = new Probe('started')
    const job = async (signal: AbortSignal): Promise<void> => {
      started.hit()
      await wait('1h', signal)
      throw new Error('half written')
    }
    const run = failureOf<WorkerGroupError>(
      runAllWorkers([repeat(1, job, { startImmediately: true })], stop.signal),
    )
    await started.times(1)
    stop.abort()
    expect((await run).errors).toEqual([expect.objectContaining({ message: 'half written' })])
  })

  test('is followed by no other run', async () => {
    const clock = new VirtualClock({ auto: true })
    let runs = 0
    const fails = (): void => {
      if (++runs === 3) throw new Error('third')
    }
    await expect(runAllWorkers([repeat('1m', fails)], undefined, { clock })).rejects.toThrow('third')
    expect([runs, clock.pending]).toEqual([3, 0])
  })
})

test('one repeat may run several times concurrently', async () => {
  const clock = new VirtualClock()
  const stop = new AbortController()
  const starts: number[] = []
  const worker = repeat(10, () => void starts.push(clock.elapsed()))
  const run = runAllWorkers([worker, worker], stop.signal, { clock })
  await clock.advance(20)
  stop.abort()
  await run
  expect(starts).toEqual([10, 10, 20, 20])
})

test('a synchronous job that is slower than its interval does not starve timers and I/O', async () => {
  const stop = new AbortController()
  const timer = new Probe('timer')
  setTimeout(() => timer.hit(), 20)
  const block = (): void => {
    for (const until = performance.now() + 2; performance.now() < until;);
  }
  const run = repeat(1, block).run(stop.signal)
  await timer.times(1)
  stop.abort()
  await run
})

describe('bad input is rejected at the call:', () => {
  test.each<[string, () => unknown, RegExp]>([
    ['no job', () => repeat(1, undefined as never), /^repeat: expected a function .* got undefined/],
    ['a worker', () => repeat(1, { run: async () => {} } as never), /^repeat: .*this is a worker/],
    ['a class', () => repeat(1, class Job {} as never), /^repeat: .*got function Job/],
    [
      'a misspelt option',
      () => repeat(1, () => {}, { startImmediatly: true } as never),
      /did you mean 'startImmediately'/,
    ],
    ['no options', () => repeat(1, () => {}, true as never), /^repeat: expected an options object/],
  ])('%s', (_, call, message) => {
    expect(call).toThrow(InvalidArgumentError)
    expect(call).toThrow(message)
  })
})
