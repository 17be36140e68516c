import { getEventListeners } from 'node:events'
import {
  type Backoff,
  InvalidArgumentError,
  InvalidDurationError,
  WorkerGroupError,
  backoff,
  namedWorker,
  repeat,
  retry,
  retryJob,
  runAllJobs,
  runAllWorkers,
  wait,
} from 'runutil'
import { Probe, VirtualClock } from 'runutil/testing'
import { describe, expect, test, vi } from 'vitest'
import { capturedLogger } from '../support/logs.ts'
import { failureOf, untilAbort } from '../support/outcome.ts'

interface Play {
  starts: number[]
  attempts: number[]
}

/** A run that fails or returns after so many ms. */
type Act = { fail: number } | { end: number }

/** Runs a worker for `forMs` that behaves like this, repeating the last act. */
async function play(acts: Act[], waits: Backoff, forMs: number): Promise<Play> {
  const clock = new VirtualClock()
  const { logger, lines } = capturedLogger()
  const stop = new AbortController()
  const starts: number[] = []
  const worker = async (): Promise<void> => {
    const act = acts[Math.min(starts.length, acts.length - 1)]!
    starts.push(clock.elapsed())
    await wait('fail' in act ? act.fail : act.end)
    if ('fail' in act) throw new Error('failed')
  }
  const run = runAllWorkers([retry(worker, waits)], stop.signal, { clock, logger })
  await clock.advance(forMs)
  stop.abort()
  await clock.advance('1d')
  await run
  expect(clock.pending).toBe(0)
  expect(getEventListeners(stop.signal, 'abort')).toHaveLength(0)
  return { starts, attempts: lines.map(({ attempt }) => attempt!) }
}

const doubling = backoff({ initial: 100, max: 800 })
const linear: Backoff = { duration: (attempt) => Math.min(attempt, 5) * 100 }

describe('a worker is restarted', () => {
  test.each<[string, Act[], Backoff, number, number[], number[]]>([
    [
      'after growing delays while it fails',
      [{ fail: 0 }],
      doubling,
      2_500,
      [0, 100, 300, 700, 1_500, 2_300],
      [1, 2, 3, 4, 5, 6],
    ],
    [
      'with a count that a return resets',
      [{ fail: 0 }, { fail: 0 }, { end: 20 }, { fail: 0 }],
      doubling,
      600,
      [0, 100, 300, 420, 520],
      [1, 2, 1, 2],
    ],
    [
      'immediately after a return that took at least the first delay',
      [{ end: 100 }],
      doubling,
      350,
      [0, 100, 200, 300],
      [],
    ],
    ['after the first delay if it returned immediately', [{ end: 0 }], doubling, 350, [0, 100, 200, 300], []],
    [
      'after the first delay if it returned earlier than that',
      [{ end: 99 }],
      doubling,
      400,
      [0, 199, 398],
      [],
    ],
    ['10 ms after a return even without backoff', [{ end: 0 }], backoff(0), 35, [0, 10, 20, 30], []],
    [
      'with a count that an uptime above the longest delay resets',
      [{ fail: 0 }, { fail: 0 }, { fail: 801 }, { fail: 0 }],
      doubling,
      1_300,
      [0, 100, 300, 1_201],
      [1, 2, 1, 2],
    ],
    [
      'with a count that an uptime equal to the longest delay does not reset',
      [{ fail: 0 }, { fail: 0 }, { fail: 800 }, { fail: 0 }],
      doubling,
      1_600,
      [0, 100, 300, 1_500],
      [1, 2, 3, 4],
    ],
    [
      'after growing delays of a custom backoff, even if each run takes longer than the first delays',
      [{ fail: 150 }],
      linear,
      1_500,
      [0, 250, 600, 1_050],
      [1, 2, 3, 4],
    ],
    [
      'with a count that an uptime above the longest delay of a custom backoff resets',
      [{ fail: 0 }, { fail: 0 }, { fail: 501 }],
      linear,
      900,
      [0, 100, 300],
      [1, 2, 1],
    ],
  ])('%s', async (_, acts, waits, forMs, starts, attempts) => {
    const played = await play(acts, waits, forMs)
    expect(played.starts).toEqual(starts)
    expect(played.attempts.slice(0, attempts.length)).toEqual(attempts)
  })

  test('without a limit, even after 10,000 failures', async () => {
    const clock = new VirtualClock({ auto: true })
    const stop = new AbortController()
    let runs = 0
    const worker = (): void => {
      if (++runs === 10_000) stop.abort()
      throw new Error('again')
    }
    const { logger } = capturedLogger()
    logger.level = 'silent'
    await runAllWorkers([retry(worker, backoff({ initial: 1, max: '1h' }))], stop.signal, { clock, logger })
    expect(runs).toBe(10_000)
    expect(clock.pending).toBe(0)
  })

  test('after delays that a custom backoff returns for attempts counted from the last return', async () => {
    const clock = new VirtualClock({ auto: true })
    const asked: number[] = []
    const controller = new AbortController()
    const { logger } = capturedLogger()
    let runs = 0
    const worker = async (): Promise<void> => {
      runs++
      if (runs === 6) controller.abort()
      if (runs !== 3) throw new Error('no')
    }
    await runAllWorkers(
      [retry(worker, { duration: (attempt) => (asked.push(attempt), 0) })],
      controller.signal,
      {
        clock,
        logger,
      },
    )
    expect(asked.slice(0, 5)).toEqual([1, 2, 1, 1, 2])
  })
})

describe('the abort', () => {
  test.each([
    ['in the backoff', 50],
    ['at the time of the next run', 100],
  ])('%s ends it without another run', async (_, at) => {
    const clock = new VirtualClock()
    const stop = new AbortController()
    const { logger } = capturedLogger()
    clock.setTimeout(() => stop.abort(), at)
    const fails = vi.fn(() => Promise.reject(new Error('down')))
    const run = runAllWorkers([retry(fails, backoff(100))], stop.signal, { clock, logger })
    await clock.advance('1h')
    await run
    expect(fails).toHaveBeenCalledTimes(1)
    expect(clock.pending).toBe(0)
  })

  test('before the start prevents the run', async () => {
    const body = vi.fn()
    await retry(body, backoff(1)).run(AbortSignal.abort())
    expect(body).not.toHaveBeenCalled()
  })

  test('makes it resolve even if the last run fails, and that failure is logged', async () => {
    const { logger, lines } = capturedLogger()
    const stop = new AbortController()
    const worker = async (signal: AbortSignal): Promise<void> => {
      await untilAbort(signal)
      throw new Error('half written')
    }
    const run = runAllWorkers([retry(worker, backoff(1))], stop.signal, { logger })
    stop.abort()
    await expect(run).resolves.toBeUndefined()
    expect(lines.map(({ err }) => err?.message)).toEqual(['half written'])
  })

  test("is not logged as a failure if the run throws the signal's reason", async () => {
    const { logger, lines } = capturedLogger()
    const stop = new AbortController()
    const worker = (signal: AbortSignal): Promise<void> =>
      untilAbort(signal).then(() => signal.throwIfAborted())
    const run = runAllWorkers([retry(worker, backoff(1))], stop.signal, { logger })
    stop.abort()
    await run
    expect(lines).toEqual([])
  })
})

describe('a failure', () => {
  const frozen = Object.freeze(new Error('frozen'))
  test.each<[string, unknown, string]>([
    ['an Error', new Error('broken'), 'broken'],
    ['a frozen Error', frozen, 'frozen'],
    ['a text', 'text', 'a non-Error was thrown: "text"'],
    ['undefined', undefined, 'a non-Error was thrown: undefined'],
  ])('is logged at warn with attempt and err: %s', async (_, thrown, message) => {
    for (const sync of [true, false]) {
      const { logger, lines } = capturedLogger()
      const stop = new AbortController()
      let runs = 0
      const worker = (): Promise<void> => {
        if (++runs === 2) stop.abort()
        if (sync) throw thrown
        // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- that is the point
        return Promise.reject(thrown)
      }
      const clock = new VirtualClock({ auto: true })
      await runAllWorkers([retry(worker, backoff(0))], stop.signal, { clock, logger })
      expect(lines.map(({ level, attempt, err }) => [level, attempt, err?.message])).toEqual([
        [40, 1, message],
        [40, 2, message],
      ])
    }
  })

  test.each([
    ['named inside', (fails: () => never) => retry(namedWorker(fails, 'Own'), backoff('1h')), '/Own'],
    [
      'named twice inside',
      (fails: () => never) => retry(namedWorker(namedWorker(fails, 'Own'), 'Type'), backoff('1h')),
      '/Type/Own',
    ],
    ['named outside', (fails: () => never) => namedWorker(retry(fails, backoff('1h')), 'Around'), '/Around'],
    [
      'named on both sides',
      (fails: () => never) => namedWorker(retry(namedWorker(fails, 'Own'), backoff('1h')), 'Around'),
      '/Around/Own',
    ],
    [
      'declared',
      (fails: () => never) => ({ name: 'Declared', worker: fails, retry: backoff('1h') }),
      '/Declared',
    ],
  ])("is logged under the worker's own name: %s", async (_, make, name) => {
    const { logger, lines } = capturedLogger()
    const clock = new VirtualClock()
    const stop = new AbortController()
    const fails = (): never => {
      throw new Error('down')
    }
    const run = runAllWorkers([make(fails)], stop.signal, { logger, clock })
    await clock.advance(1)
    stop.abort()
    await run
    expect(lines.map(({ worker }) => worker)).toEqual([name])
  })
})

describe('between two runs', () => {
  const outcomes: Record<string, () => void> = {
    returns: () => {},
    throws: () => {
      throw new Error('again')
    },
  }
  test.each(Object.entries(outcomes))('timers, immediates and I/O proceed if it %s', async (_, outcome) => {
    const stop = new AbortController()
    const { logger } = capturedLogger()
    logger.level = 'silent'
    const timer = new Probe('timer')
    setTimeout(() => timer.hit(), 15)
    const run = runAllWorkers([retry(outcome, backoff(0))], stop.signal, { logger })
    await timer.times(1)
    stop.abort()
    await run
  })

  test('there is a macrotask even with a clock whose waits end immediately', async () => {
    const clock = new VirtualClock({ auto: true })
    const stop = new AbortController()
    let turns = 0
    let runs = 0
    const count = (): void => {
      turns++
      if (!stop.signal.aborted) setImmediate(count)
    }
    setImmediate(count)
    const worker = (): void => {
      if (++runs === 50) stop.abort()
    }
    await runAllWorkers([retry(worker, backoff(0))], stop.signal, { clock })
    expect(turns).toBeGreaterThanOrEqual(49)
  })
})

describe('a backoff that does not return a duration', () => {
  test.each([NaN, -1, Infinity, undefined, '5 parsecs'])(
    '%o ends the worker with a typed error',
    async (answer) => {
      const waits = { duration: () => answer as number }
      const { logger } = capturedLogger()
      const fails = (): Promise<void> => Promise.reject(new Error('down'))
      const { errors } = await failureOf<WorkerGroupError>(
        runAllWorkers([retry(fails, waits)], undefined, { logger }),
      )
      expect(errors).toEqual([expect.any(InvalidDurationError)])
      await expect(retryJob(fails, waits).runOnce(new AbortController().signal)).rejects.toThrow(
        InvalidDurationError,
      )
    },
  )
})

describe('a broken backoff', () => {
  const boom = new Error('boom')
  test.each<[string, () => unknown, RegExp]>([
    ['throws', () => raise(boom), /backoff.duration\(1\): expected a number of ms; it threw: boom/],
    ['returns NaN', () => NaN, /backoff.duration\(1\): expected a duration .*; got NaN/],
    ['returns a promise', () => Promise.resolve(5), /got an instance of Promise/],
  ])('that %s is reported with the error of the worker as cause', async (_, duration, says) => {
    const down = new Error('database is down')
    const waits = { duration: duration as () => number }
    const { logger } = capturedLogger()
    const run = runAllWorkers([retry(() => Promise.reject(down), waits)], undefined, { logger })
    const { errors } = await failureOf<WorkerGroupError>(run)
    expect(errors[0]!.message).toMatch(says)
    expect(errors[0]!.cause).toBe(down)
  })

  test('is not called after the abort', async () => {
    const clock = new VirtualClock({ auto: true })
    const stop = new AbortController()
    let runs = 0
    const waits = { duration: (attempt: number) => (attempt > 3 ? raise(boom) : 5) }
    const worker = async (signal: AbortSignal): Promise<void> => {
      if (++runs === 3) stop.abort()
      await wait('1m', signal)
      throw new Error('down')
    }
    const { logger } = capturedLogger()
    await runAllWorkers([retry(worker, waits)], stop.signal, { clock, logger })
    expect(runs).toBe(3)
  })
})

function raise(error: Error): never {
  throw error
}

describe('retryJob', () => {
  test('waits between attempts by its backoff, and resolves at the first success', async () => {
    const clock = new VirtualClock({ auto: true })
    const { logger, lines } = capturedLogger()
    const starts: number[] = []
    const job = {
      async runOnce(): Promise<void> {
        starts.push(clock.elapsed())
        if (starts.length < 5) throw new Error('not yet')
      },
    }
    await runAllJobs([retryJob(job, doubling)], undefined, { clock, logger })
    expect(starts).toEqual([0, 100, 300, 700, 1_500])
    expect(lines.map(({ level, attempt }) => [level, attempt])).toEqual([1, 2, 3, 4].map((n) => [40, n]))
  })

  test.each([
    ['in the backoff', 50],
    ['at the time of the next run', 100],
  ])('rejects with the reason of an abort %s, without another run', async (_, at) => {
    const clock = new VirtualClock()
    const stop = new AbortController()
    const { logger } = capturedLogger()
    const reason = new Error('enough')
    clock.setTimeout(() => stop.abort(reason), at)
    const fails = vi.fn(() => Promise.reject(new Error('down')))
    const run = failureOf<WorkerGroupError>(
      runAllJobs([retryJob(fails, backoff(100))], stop.signal, { clock, logger }),
    )
    await clock.advance('1h')
    expect((await run).errors).toEqual([reason])
    expect(fails).toHaveBeenCalledTimes(1)
    expect(getEventListeners(stop.signal, 'abort')).toHaveLength(0)
  })

  test('rejects with the reason, not the failure, if the abort ends a run', async () => {
    const stop = new AbortController()
    const started = new Probe('started')
    const job = retryJob(async (signal) => {
      started.hit()
      await untilAbort(signal)
      throw new Error('cut short')
    }, backoff(1))
    const run = failureOf<unknown>(job.runOnce(stop.signal))
    await started.times(1)
    stop.abort('bye')
    expect(await run).toBe('bye')
  })

  test('resolves if a run succeeds despite the abort', async () => {
    const stop = new AbortController()
    const run = retryJob((signal) => untilAbort(signal), backoff(1)).runOnce(stop.signal)
    stop.abort()
    await expect(run).resolves.toBeUndefined()
  })

  test('runs nothing if the signal has aborted', async () => {
    const body = vi.fn()
    await expect(retryJob(body, backoff(1)).runOnce(AbortSignal.abort('early'))).rejects.toBe('early')
    expect(body).not.toHaveBeenCalled()
  })

  test('retries after a synchronous throw', async () => {
    const { logger } = capturedLogger()
    let runs = 0
    const job = retryJob(() => {
      if (++runs < 3) throw new Error('sync')
    }, backoff(0))
    await runAllJobs([job], undefined, { logger })
    expect(runs).toBe(3)
  })
})

describe('bad input is rejected at the call:', () => {
  const worker = untilAbort
  test.each<[string, () => unknown, RegExp]>([
    [
      'no worker',
      () => retry(undefined as never, backoff(1)),
      /^retry: expected a function .* got undefined/,
    ],
    ['a job', () => retry({ runOnce: worker } as never, backoff(1)), /^retry: .*this is a job/],
    ['no backoff', () => retry(worker, undefined as never), /^retry: expected a Backoff/],
    ['a duration', () => retry(worker, '5s' as never), /^retry: expected a Backoff.* got "5s"/],
    [
      'a worker as job',
      () => retryJob(repeat(1, worker) as never, backoff(1)),
      /^retryJob: .*this is a worker/,
    ],
    ['a duration for a job', () => retryJob(worker, 5 as never), /^retryJob: expected a Backoff.* got 5/],
  ])('%s', (_, call, message) => {
    expect(call).toThrow(InvalidArgumentError)
    expect(call).toThrow(message)
  })
})
