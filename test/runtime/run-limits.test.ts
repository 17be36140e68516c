import {
  InvalidArgumentError,
  InvalidDurationError,
  type RepeatOptions,
  RunTimeoutError,
  Runtime,
  WorkerGroupError,
  currentRun,
  repeat,
  runAllWorkers,
  wait,
} from 'runutil'
import { VirtualClock } from 'runutil/testing'
import { describe, expect, test } from 'vitest'
import { capturedLogger } from '../support/logs.ts'
import { failureOf, follow } from '../support/outcome.ts'

/** A repeat on virtual time, with its log. */
function running(
  every: string | number,
  job: (signal: AbortSignal) => Promise<void> | void,
  options?: RepeatOptions,
) {
  const clock = new VirtualClock({ now: Date.UTC(2026, 0) })
  const stop = new AbortController()
  const log = capturedLogger()
  const worker = { name: 'Sync', worker: repeat(every, job, options) }
  const run = runAllWorkers([worker], stop.signal, { clock, logger: log.logger })
  return { clock, stop, log, run, ended: follow(run) }
}

describe('timeout', () => {
  test('aborts the signal of the run, and becomes its failure once the run has ended', async () => {
    const seen: unknown[] = []
    const { clock, run, ended } = running(
      '1s',
      async (signal) => {
        seen.push('start')
        await wait('1h', signal)
        seen.push(signal.reason)
        await wait('5s')
        seen.push('end')
      },
      { timeout: '300ms' },
    )
    await clock.advance(6_299)
    expect(seen).toEqual(['start', expect.any(RunTimeoutError)])
    expect(ended.settled).toBe('no')
    await clock.advance(1)
    const { errors } = await failureOf<WorkerGroupError>(run)
    expect(errors).toEqual([expect.any(RunTimeoutError)])
    expect(errors[0]).toMatchObject({ code: 'ERR_RUN_TIMEOUT', worker: '/Sync', timeoutMs: 300 })
    expect(seen).toHaveLength(3)
    expect(clock.pending).toBe(0)
  })

  test('makes the health firing at once, also if the run never ends', async () => {
    const runtime = new Runtime()
    const clock = new VirtualClock()
    const stop = new AbortController()
    let runs = 0
    const job = (): Promise<void> => (++runs === 1 ? Promise.resolve() : new Promise(() => {}))
    const worker = { name: 'Sync', worker: repeat('1s', job, { timeout: '300ms' }) }
    const { logger } = capturedLogger()
    const run = failureOf(runAllWorkers([worker], stop.signal, { clock, logger, runtime, grace: '1s' }))
    await clock.advance('2s')
    expect(runtime.get('/Sync')).toMatchObject({ health: 'ok', runs: 1 })
    await clock.advance('1m')
    expect(runtime.get('/Sync')).toMatchObject({ health: 'firing', runs: 1 })
    stop.abort()
    await clock.advance('1s')
    await run
  })

  test('becomes the failure of a run even if the run ignores it or throws another error', async () => {
    const cause = new Error('half written')
    const { clock, run } = running(
      '1s',
      async () => {
        await wait('2s')
        throw cause
      },
      { timeout: '300ms' },
    )
    await clock.advance('3s')
    const { errors } = await failureOf<WorkerGroupError>(run)
    expect(errors).toEqual([expect.any(RunTimeoutError)])
    expect(errors[0]!.cause).toBe(cause)
  })

  test('does not apply to a run that ends in time, nor to one that is stopped', async () => {
    let runs = 0
    const { clock, stop, run } = running(
      '1s',
      async () => {
        runs++
        await wait(runs < 5 ? 200 : 10_000)
      },
      { timeout: '300ms' },
    )
    await clock.advance(5_100)
    stop.abort()
    await clock.advance('20s')
    await run
    expect(runs).toBe(5)
    expect(clock.pending).toBe(0)
  })

  test('does not apply if a blocked event loop delayed its timer', async () => {
    const stop = new AbortController()
    const block = async (): Promise<void> => {
      // The timer of 100 ms fires 200 ms late, and starts over.
      for (const until = performance.now() + 300; performance.now() < until;);
      await wait(1)
      stop.abort()
    }
    await runAllWorkers([repeat(1, block, { timeout: 100 })], stop.signal)
  })
})

describe('a run that takes long', () => {
  test.each<[string, RepeatOptions, string | number, number]>([
    ['after warnAfter', { warnAfter: '5s' }, '1s', 5_000],
    ['after a minute by default', {}, '1s', 60_000],
    ['after ten intervals by default', {}, '30s', 300_000],
    ['even with a timeout', { timeout: '1h' }, '1s', 60_000],
  ])('is logged once as slow: %s', async (_, options, every, afterMs) => {
    const { clock, stop, log, run } = running(every, (signal) => wait('1d', signal), {
      ...options,
      startImmediately: true,
    })
    const slow = (): unknown[] => log.lines.filter(({ msg }) => String(msg).startsWith('slow: '))
    await clock.advance(afterMs - 1)
    expect(slow()).toEqual([])
    // Runs are checked every 10 s.
    await clock.advance('10s')
    expect(slow()).toEqual([expect.objectContaining({ level: 40, worker: '/Sync' })])
    await clock.advance('30m')
    expect(slow()).toHaveLength(1)
    stop.abort()
    await run
    expect(clock.pending).toBe(0)
  })

  test('is logged again for the next run', async () => {
    const { clock, stop, log, run } = running('1s', (signal) => wait('90s', signal))
    await clock.advance('4m')
    expect(log.lines.filter(({ msg }) => String(msg).startsWith('slow: '))).toHaveLength(2)
    stop.abort()
    await run
  })
})

describe('currentRun', () => {
  test('tells when the run was due, and how many starts were dropped since the previous one', async () => {
    const seen: unknown[] = []
    const { clock, stop, run } = running('10s', async () => {
      seen.push(currentRun())
      await wait(seen.length === 1 ? '35s' : 0)
      if (seen.length === 3) stop.abort()
    })
    await clock.advance('2m')
    await run
    const at = (seconds: number): Date => new Date(Date.UTC(2026, 0, 1, 0, 0, seconds))
    expect(seen).toEqual([
      { scheduledFor: at(10), missed: 0 },
      { scheduledFor: at(40), missed: 2 },
      { scheduledFor: at(50), missed: 0 },
    ])
  })

  test('is the scheduled time, regardless of the jitter', async () => {
    const seen: (Date | undefined)[] = []
    const { clock, stop, run } = running('10s', () => void seen.push(currentRun()?.scheduledFor), {
      jitter: '9s',
    })
    await clock.advance('35s')
    stop.abort()
    await run
    expect(seen.slice(0, 2).map((date) => date?.getSeconds())).toEqual([10, 20])
  })

  test('is undefined outside of a run', async () => {
    expect(currentRun()).toBeUndefined()
    await runAllWorkers([() => void expect(currentRun()).toBeUndefined()], AbortSignal.abort())
  })
})

describe('bad input is rejected at the call:', () => {
  const job = (): void => {}
  test.each<[string, () => unknown, new (message: string) => Error, RegExp]>([
    [
      'a jitter as long as the interval',
      () => repeat('1s', job, { jitter: '1s' }),
      InvalidArgumentError,
      /less than .*1000 ms; got "1s"/,
    ],
    ['a negative jitter', () => repeat('1s', job, { jitter: -1 }), InvalidDurationError, /jitter.*got -1/],
    ['no timeout', () => repeat('1s', job, { timeout: 0 }), InvalidDurationError, /^repeat: timeout/],
    [
      'no warnAfter',
      () => repeat('1s', job, { warnAfter: 'soon' }),
      InvalidDurationError,
      /^repeat: warnAfter/,
    ],
    [
      'a cron pattern',
      () => repeat('*/5 * * * *', job),
      InvalidArgumentError,
      /use cron\(pattern, job\) of runutil\/cron/,
    ],
    ['a nickname', () => repeat('@daily', job), InvalidArgumentError, /use cron/],
  ])('%s', (_, call, type, message) => {
    expect(call).toThrow(type)
    expect(call).toThrow(message)
  })
})
