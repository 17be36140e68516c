import { describe, expect, it } from 'vitest'
import {
  backoff,
  repeat,
  retry,
  retryJob,
  runAllJobs,
  runAllWorkers,
  wait,
  currentLogger,
  currentName,
  healthCheckpoint,
  healthSnapshot,
} from 'runutil'
import { VirtualClock } from 'runutil/testing'
import { capturedLogger } from '../support/logs.ts'

describe('repeat', () => {
  it('does not drift: 100 runs every 20 ms take 2,000 ms', async () => {
    const clock = new VirtualClock()
    const controller = new AbortController()
    let runs = 0
    const run = runAllWorkers([repeat(20, async () => void (runs++, await wait(3)))], controller.signal, {
      clock,
    })
    await clock.advance(1_999)
    expect(runs).toBe(99)
    await clock.advance(1)
    expect(runs).toBe(100)
    controller.abort()
    await clock.advance(3)
    await run
  })

  it('does not starve the event loop if a synchronous job takes longer than its interval', async () => {
    const controller = new AbortController()
    let runs = 0
    setImmediate(() => setImmediate(() => controller.abort()))
    const block = (): void => {
      runs++
      for (const until = performance.now() + 3; performance.now() < until;);
    }
    await runAllWorkers([repeat(1, block, { startImmediately: true })], controller.signal)
    expect(runs).toBeLessThan(1_000)
  })

  it('ends with the error of its job, without another run', async () => {
    const clock = new VirtualClock({ auto: true })
    let runs = 0
    const fails = (): void => {
      if (++runs === 3) throw new Error('third')
    }
    await expect(runAllWorkers([repeat('1m', fails)], undefined, { clock })).rejects.toThrow('third')
    expect([runs, clock.pending]).toEqual([3, 0])
  })

  it('gives each run its own span in the trace of its worker', async () => {
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

describe('retry', () => {
  it('waits at least 10 ms between runs if a worker returns immediately', async () => {
    const controller = new AbortController()
    let runs = 0
    setTimeout(() => controller.abort(), 100)
    await retry(async () => void runs++, backoff(0)).run(controller.signal)
    expect(runs).toBeGreaterThan(1)
    expect(runs).toBeLessThanOrEqual(11)
  })

  it('waits for a macrotask between two failures, with any backoff', async () => {
    const controller = new AbortController()
    const { logger } = capturedLogger()
    logger.level = 'silent'
    setImmediate(() => setImmediate(() => controller.abort()))
    const fails = retry(() => Promise.reject(new Error('no')), backoff(0))
    await runAllWorkers([fails], controller.signal, { logger })
  })

  it('does not run the worker again if it is aborted in the backoff', async () => {
    const clock = new VirtualClock()
    const controller = new AbortController()
    const { logger } = capturedLogger()
    let runs = 0
    const worker = retry(() => Promise.reject(new Error(`${++runs}`)), backoff('1h'))
    const run = runAllWorkers([worker], controller.signal, { clock, logger })
    await clock.advance('30m')
    controller.abort()
    await run
    expect([runs, clock.pending]).toEqual([1, 0])
  })

  it("logs each failure at warn with the worker's own name, attempt and err", async () => {
    const { logger, lines } = capturedLogger()
    const clock = new VirtualClock()
    const controller = new AbortController()
    const worker = () => Promise.reject(new Error('boom'))
    const declared = { name: 'Commits', worker, retry: backoff({ initial: '1s', max: '1m' }) }
    const run = runAllWorkers([declared], controller.signal, { clock, logger })
    await clock.advance('4s')
    controller.abort()
    await run
    expect(lines.map(({ level, worker, attempt, err }) => [level, worker, attempt, err?.message])).toEqual([
      [40, '/Commits', 1, 'boom'],
      [40, '/Commits', 2, 'boom'],
      [40, '/Commits', 3, 'boom'],
    ])
  })

  it('passes increasing attempts to a custom backoff, and starts over after a return', async () => {
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

describe('retryJob', () => {
  it('retries until it succeeds, then resolves', async () => {
    const clock = new VirtualClock({ auto: true })
    const { logger, lines } = capturedLogger()
    let runs = 0
    const job = retryJob(
      () => {
        if (++runs < 4) throw new Error('not yet')
      },
      backoff({ initial: '1s', max: '1m' }),
    )
    await runAllJobs([job], undefined, { clock, logger })
    expect([runs, clock.elapsed(), lines.length]).toEqual([4, 7_000, 3])
  })

  it("rejects with the signal's reason when aborted", async () => {
    const reason = new Error('enough')
    const controller = new AbortController()
    const job = retryJob(() => Promise.reject(new Error('never')), backoff('1h'))
    const run = job.runOnce(controller.signal)
    controller.abort(reason)
    await expect(run).rejects.toBe(reason)
  })
})

describe('health', () => {
  it('is init, then ok or firing, by name and by run', async () => {
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

  it('can be reported by a worker with a loop of its own', async () => {
    const states: unknown[] = []
    const worker = async (): Promise<void> => {
      healthCheckpoint()
      states.push(healthSnapshot()[currentName()])
      healthCheckpoint(new Error('bad'))
      states.push(healthSnapshot()[currentName()])
    }
    await runAllWorkers([{ name: 'loop', worker }]).catch(() => {})
    expect(states).toEqual(['ok', 'firing'])
  })
})
