import { getEventListeners } from 'node:events'
import {
  InvalidArgumentError,
  InvalidDurationError,
  ShutdownRequestedError,
  ShutdownTimeoutError,
  type ShutdownSignalOptions,
  WorkerGroupError,
  provideWorker,
  runAllJobs,
  runAllWorkers,
  runProvidedWorkers,
  shutdownSignal,
} from 'runutil'
import { Probe, VirtualClock } from 'runutil/testing'
import fc from 'fast-check'
import { container } from 'tsyringe'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { capturedLogger } from '../support/logs.ts'
import { failureOf, untilAbort } from '../support/outcome.ts'

// Signals are emitted as events of `process`. The tests in test/process send real ones.
const NAMES = ['SIGUSR2', 'SIGHUP'] as const
const tell = (name: NodeJS.Signals = 'SIGUSR2'): boolean => process.emit(name, name)
const handlers = (): number => NAMES.reduce((sum, name) => sum + process.listenerCount(name), 0)
const ask = (options: ShutdownSignalOptions = {}): AbortSignal =>
  shutdownSignal({ signals: [...NAMES], ...options })

beforeEach(() => expect(handlers()).toBe(0))
afterEach(() => {
  for (const name of NAMES) process.removeAllListeners(name)
})

/** Replaces process.exit while `body` runs, and returns the exit codes. */
async function exitsOf(body: () => void | Promise<void>): Promise<unknown[]> {
  const exit = vi.spyOn(process, 'exit').mockImplementation((() => {}) as never)
  try {
    await body()
    return exit.mock.calls.map(([code]) => code)
  } finally {
    exit.mockRestore()
  }
}

describe('the signal', () => {
  test.each(NAMES)('aborts on %s with a typed reason', (name) => {
    const signal = ask()
    expect(signal.aborted).toBe(false)
    tell(name)
    expect(signal.reason).toBeInstanceOf(ShutdownRequestedError)
    expect(signal.reason).toMatchObject({ signal: name, code: 'ERR_SHUTDOWN_REQUESTED' })
  })

  test('listens to SIGINT and SIGTERM by default, until its run has ended', async () => {
    const counts = (): number[] => ['SIGINT', 'SIGTERM'].map((name) => process.listenerCount(name))
    const before = counts()
    const signal = shutdownSignal()
    expect(counts()).toEqual(before.map((count) => count + 1))
    await runAllJobs([() => {}], signal)
    expect(counts()).toEqual(before)
  })

  test('stops a run, which resolves', async () => {
    const run = runAllWorkers([untilAbort], ask())
    tell()
    await expect(run).resolves.toBeUndefined()
  })

  test('accepts many listeners without a warning', async () => {
    const warned = vi.fn()
    process.on('warning', warned)
    const signal = ask()
    for (let n = 0; n < 100; n++) signal.addEventListener('abort', () => {})
    await new Promise((resolve) => setImmediate(resolve))
    process.off('warning', warned)
    expect(warned).not.toHaveBeenCalled()
  })

  test('does not abort on signals of another one', () => {
    const one = ask()
    const other = shutdownSignal({ signals: ['SIGHUP'] })
    tell('SIGUSR2')
    expect([one.aborted, other.aborted]).toEqual([true, false])
  })
})

describe('a repeated signal', () => {
  test('within 500 ms is the same request, unlike another signal', async () => {
    const { logger } = capturedLogger()
    const run = runAllWorkers([untilAbort, () => new Promise(() => {})], ask(), { logger, grace: 20 })
    const exits = await exitsOf(() => {
      for (let n = 0; n < 3; n++) tell('SIGHUP')
    })
    expect(exits).toEqual([])
    expect(await exitsOf(() => void tell('SIGUSR2'))).toEqual([16])
    await failureOf(run)
  })

  test('is one request in any sequence if it arrives within 500 ms of the first', async () => {
    const step = fc.record({ after: fc.integer({ min: 0, max: 300 }), name: fc.constantFrom(...NAMES) })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 6 }), async (steps) => {
        vi.useFakeTimers({ toFake: ['setTimeout', 'setImmediate'] })
        try {
          const signal = ask({ delay: '1h' })
          const finish = new Probe('finish')
          const { logger } = capturedLogger()
          const run = runAllJobs([() => finish.times(1).then(() => {})], signal, { logger })
          let now = 0
          const at = steps.map(({ after, name }) => ({ at: (now += after), name }))
          const forced = at.findIndex(
            (one, n) => n > 0 && (one.name !== at[0]!.name || one.at - at[0]!.at > 500),
          )
          let exitedAt = -1
          for (const [n, { after, name }] of steps.entries()) {
            await vi.advanceTimersByTimeAsync(after)
            const exits = await exitsOf(() => void tell(name))
            if (exits.length > 0 && exitedAt < 0) exitedAt = n
          }
          expect(exitedAt).toBe(forced)
          finish.hit()
          await run
        } finally {
          vi.useRealTimers()
        }
      }),
      { numRuns: 200 },
    )
  })

  test('in the list of signals gets a single listener', async () => {
    const signal = shutdownSignal({ signals: ['SIGHUP', 'SIGHUP'] })
    expect(handlers()).toBe(1)
    await runAllJobs([() => {}], signal)
    expect(handlers()).toBe(0)
  })
})

describe('a second request', () => {
  test('exits immediately with code 16, and logs that', async () => {
    const { logger, lines } = capturedLogger()
    const signal = ask()
    const run = failureOf(runAllWorkers([() => new Promise(() => {})], signal, { logger, grace: 20 }))
    const exits = await exitsOf(() => {
      tell('SIGUSR2')
      tell('SIGHUP')
    })
    expect(exits).toEqual([16])
    expect(lines).toEqual([expect.objectContaining({ level: 50, signal: 'SIGHUP' })])
    await run
  })

  test('exits during the delay, too', async () => {
    const run = runAllWorkers([untilAbort], ask({ delay: 20 }), { logger: capturedLogger().logger })
    const exits = await exitsOf(() => {
      tell('SIGUSR2')
      tell('SIGHUP')
    })
    expect(exits).toEqual([16])
    await run
  })

  test('has no handler once the run has ended', async () => {
    const run = runAllWorkers([untilAbort], ask())
    tell()
    await run
    expect(handlers()).toBe(0)
  })
})

describe('the delay', () => {
  test('postpones the abort after the request', async () => {
    const signal = ask({ delay: 20 })
    const aborted = new Probe<number>('aborted')
    signal.addEventListener('abort', () => aborted.hit(performance.now()))
    const begun = performance.now()
    tell()
    expect(signal.aborted).toBe(false)
    const [at] = await aborted.times(1)
    expect(at! - begun).toBeGreaterThanOrEqual(20)
  })

  test('ends with the run, and leaves no timer', async () => {
    const timeouts = (): number =>
      process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length
    const before = timeouts()
    const signal = ask({ delay: '1h' })
    const run = failureOf(runAllWorkers([async () => tell() as unknown as void], signal))
    await run
    expect(timeouts()).toBe(before)
    expect(signal.aborted).toBe(true)
  })
})

describe('the handlers', () => {
  const { logger } = capturedLogger()
  class Provided {
    workers(): [] {
      return []
    }
  }
  class Broken {
    constructor() {
      throw new Error('no disk')
    }
    workers(): [] {
      return []
    }
  }
  const providing = (type: new () => Provided) => (signal: AbortSignal) => {
    // Not those of other test files, which share the process.
    const group = 'shutdown signal'
    const child = container.createChildContainer()
    provideWorker(child, type, { group })
    return runProvidedWorkers(child, signal, { group, logger })
  }

  test.each<[string, (signal: AbortSignal) => Promise<void>]>([
    ['a group that failed', (signal) => runAllWorkers([() => {}], signal)],
    ['a group without workers', (signal) => runAllWorkers([], signal)],
    ['jobs', (signal) => runAllJobs([async () => {}], signal)],
    ['provided workers', providing(Provided)],
    ['provided workers that could not be created', providing(Broken)],
    ['no provided workers', (signal) => runProvidedWorkers(container, signal, { group: 'nobody', logger })],
  ])('are removed after %s', async (_, run) => {
    const signal = ask()
    expect(handlers()).toBe(2)
    await run(signal).catch(() => {})
    expect(handlers()).toBe(0)
    expect(getEventListeners(signal, 'abort')).toHaveLength(0)
  })

  test('stay until the last of several runs has ended', async () => {
    const signal = ask()
    const long = runAllWorkers([untilAbort], signal)
    await runAllJobs([() => {}], signal)
    expect(handlers()).toBe(2)
    tell()
    await long
    expect(handlers()).toBe(0)
  })

  test('are added again for a second run, which also stops', async () => {
    const signal = ask()
    await runAllJobs([() => {}], signal)
    const run = runAllWorkers([untilAbort], signal)
    expect(handlers()).toBe(2)
    tell()
    await expect(run).resolves.toBeUndefined()
    expect(handlers()).toBe(0)
  })
})

describe('grace', () => {
  const stubborn = (): Promise<void> => new Promise(() => {})

  test.each<[string, object, number]>([
    ['is 30 s by default', {}, 30_000],
    ['is that of the run if it has one', { grace: '2s' }, 2_000],
  ])('%s', async (_, options, graceMs) => {
    const clock = new VirtualClock({ auto: true })
    const run = failureOf<WorkerGroupError>(runAllWorkers([stubborn], ask(), { clock, ...options }))
    tell()
    const { errors } = await run
    expect(errors).toEqual([expect.any(ShutdownTimeoutError)])
    expect(errors[0]).toMatchObject({ graceMs })
    expect(clock.elapsed()).toBe(graceMs)
  })
})

describe('bad input is rejected at the call, and leaves no handler:', () => {
  test.each<[string, unknown, new () => Error, RegExp]>([
    ['a misspelt option', { signal: ['SIGTERM'] }, InvalidArgumentError, /did you mean 'signals'/],
    ['one name', { signals: 'SIGTERM' }, InvalidArgumentError, /^shutdownSignal: expected signal names/],
    [
      'a name that is not a signal',
      { signals: ['SIGTERM', 'stop'] },
      InvalidArgumentError,
      /expected signal names/,
    ],
    ['a number', { signals: [15] }, InvalidArgumentError, /expected signal names/],
    [
      'no names',
      { signals: [] },
      InvalidArgumentError,
      /expected signal names such as \['SIGTERM'\]; got an array/,
    ],
    [
      'a misspelt name',
      { signals: ['SIGTREM'] },
      InvalidArgumentError,
      /"SIGTREM"; did you mean 'SIGTERM'\?/,
    ],
    ['a name without SIG', { signals: ['term'] }, InvalidArgumentError, /"term"; did you mean 'SIGTERM'\?/],
    [
      'a signal that no process can handle',
      { signals: ['SIGKILL'] },
      InvalidArgumentError,
      /no process can handle it: did you mean/,
    ],
    ['SIGSTOP', { signals: ['SIGINT', 'SIGSTOP'] }, InvalidArgumentError, /no process can handle it/],
    [
      'an invalid delay',
      { signals: NAMES, delay: 'soon' },
      InvalidDurationError,
      /^shutdownSignal: delay: expected/,
    ],
    ['a negative delay', { signals: NAMES, delay: -1 }, InvalidDurationError, /got -1/],
    ['no options', null, InvalidArgumentError, /expected an options object/],
  ])('%s', (_, options, type, message) => {
    expect(() => shutdownSignal(options as never)).toThrow(type)
    expect(() => shutdownSignal(options as never)).toThrow(message)
    expect(handlers()).toBe(0)
  })
})
