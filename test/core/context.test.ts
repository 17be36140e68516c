import pino from 'pino'
import {
  currentLogger,
  currentName,
  namedWorker,
  repeat,
  retry,
  backoff,
  runAllJobs,
  runAllWorkers,
  wait,
} from 'runutil'
import { VirtualClock } from 'runutil/testing'
import { describe, expect, test } from 'vitest'
import { systemClock } from '../../packages/runutil/src/core/clock-system.ts'
import { currentClock, currentContext } from '../../packages/runutil/src/core/context.ts'
import { failureOf } from '../support/outcome.ts'
import { capturedLogger, keysOf } from '../support/logs.ts'

const log = (msg: string) => async () => currentLogger().info(msg)

describe('outside of any run', () => {
  test('there is a default logger, the system clock and no name', () => {
    expect(currentContext()).toBeUndefined()
    expect(currentName()).toBe('')
    expect(currentClock()).toBe(systemClock)
    expect(typeof currentLogger().child).toBe('function')
    expect(currentLogger()).toBe(currentLogger())
  })

  test('the defaults apply again after a run', async () => {
    await failureOf(runAllWorkers([namedWorker(() => {}, 'a')], undefined, { clock: new VirtualClock() }))
    expect([currentName(), currentClock()]).toEqual(['', systemClock])
  })
})

describe('the logger of a worker', () => {
  test('binds its full name and a trace id, and no key twice, however deep the names nest', async () => {
    const { logger, lines, texts } = capturedLogger()
    const leaf = namedWorker(log('from the leaf'), 'Leaf')
    const tree = namedWorker(
      namedWorker((signal) => runAllWorkers([leaf], signal), 'Branch'),
      'Tree',
    )
    await failureOf(runAllWorkers([tree], undefined, { logger }))
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatchObject({
      worker: '/Tree/Branch/Leaf',
      traceId: expect.stringMatching(/^[0-9a-f]{16}$/) as string,
    })
    expect(keysOf(texts[0]!)).toEqual([...new Set(keysOf(texts[0]!))])
  })

  test('is a child of the root logger, so that the bindings of the root appear once', async () => {
    const { logger, texts } = capturedLogger()
    const root = logger.child({ service: 'shop' })
    const work = namedWorker(repeat(5, log('tick'), { startImmediately: true }), 'Repeating')
    const stop = new AbortController()
    const clock = new VirtualClock()
    const run = runAllWorkers(
      [namedWorker((signal) => runAllWorkers([work], signal), 'Outer')],
      stop.signal,
      { logger: root, clock },
    )
    await clock.advance(20)
    stop.abort()
    await run
    expect(texts.length).toBeGreaterThan(2)
    for (const text of texts) expect(keysOf(text).filter((key) => key === 'service')).toHaveLength(1)
    for (const text of texts) expect(keysOf(text)).toEqual([...new Set(keysOf(text))])
  })

  test('has no name if its worker has none', async () => {
    const { logger, texts } = capturedLogger()
    await runAllJobs([log('anonymous')], undefined, { logger })
    expect(keysOf(texts[0]!)).not.toContain('worker')
    expect(keysOf(texts[0]!)).toContain('traceId')
  })

  test('is the same throughout a worker, across every await', async () => {
    const seen = new Set<unknown>()
    const worker = async (): Promise<void> => {
      seen.add(currentLogger())
      await wait(1)
      seen.add(currentLogger())
      await new Promise<void>((resolve) => setImmediate(() => (seen.add(currentLogger()), resolve())))
      await Promise.all([1, 2].map(async (ms) => wait(ms).then(() => seen.add(currentLogger()))))
    }
    await failureOf(runAllWorkers([worker], undefined, { logger: pino({ level: 'silent' }) }))
    expect(seen.size).toBe(1)
  })

  test('is that of the worker itself, even if another worker caused its abort', async () => {
    const { logger, lines } = capturedLogger()
    const neighbour = namedWorker(async (signal) => {
      await wait('1h', signal)
      currentLogger().info('stopping')
    }, 'Neighbour')
    await failureOf(runAllWorkers([neighbour, namedWorker(() => {}, 'Quitter')], undefined, { logger }))
    expect(lines.map(({ worker, msg }) => [worker, msg])).toEqual([['/Neighbour', 'stopping']])
  })

  test('has a separate trace for every worker of every run', async () => {
    const { logger, lines } = capturedLogger()
    const jobs = [log('a'), log('b')]
    await runAllJobs(jobs, undefined, { logger })
    await runAllJobs(jobs, undefined, { logger })
    expect(new Set(lines.map(({ traceId }) => traceId)).size).toBe(4)
  })

  test('derives its ids from the clock of the run', async () => {
    const idsOf = async (): Promise<unknown[]> => {
      const { logger, lines } = capturedLogger()
      await runAllJobs([log('a'), log('b')], undefined, { logger, clock: new VirtualClock({ seed: 9 }) })
      return lines.map(({ traceId }) => traceId)
    }
    expect(await idsOf()).toEqual(await idsOf())
  })
})

describe('a run inside a run', () => {
  test('inherits clock and logger unless it is given its own', async () => {
    const outer = capturedLogger()
    const inner = capturedLogger()
    const outerClock = new VirtualClock()
    const innerClock = new VirtualClock()
    const seen: unknown[] = []
    const job = (msg: string) => () => {
      seen.push(currentClock())
      currentLogger().info(msg)
    }
    const nest = async (): Promise<void> => {
      await runAllJobs([job('taken over')])
      await runAllJobs([job('given')], undefined, { logger: inner.logger, clock: innerClock })
      job('back')()
    }
    await runAllJobs([nest], undefined, { logger: outer.logger, clock: outerClock })
    expect(seen).toEqual([outerClock, innerClock, outerClock])
    expect(seen[1]).toBe(innerClock)
    expect(outer.lines.map(({ msg }) => msg)).toEqual(['taken over', 'back'])
    expect(inner.lines.map(({ msg }) => msg)).toEqual(['given'])
  })

  test('has its failures logged under the full path of names', async () => {
    const { logger, lines } = capturedLogger()
    const clock = new VirtualClock()
    const stop = new AbortController()
    const fails = namedWorker(() => Promise.reject(new Error('down')), 'Inner')
    const outer = namedWorker((signal) => runAllWorkers([retry(fails, backoff('1h'))], signal), 'Outer')
    const run = runAllWorkers([outer], stop.signal, { clock, logger })
    await clock.advance(1)
    stop.abort()
    await run
    expect(lines.map(({ level, worker }) => [level, worker])).toEqual([[40, '/Outer/Inner']])
  })
})

describe('a name', () => {
  test('nests in the order of wrapping, and is empty outside of the run', async () => {
    const names: string[] = []
    const note = (): void => void names.push(currentName())
    const worker = namedWorker(
      namedWorker(async () => {
        note()
        await wait(1)
        note()
      }, 'Name'),
      'Type',
    )
    await failureOf(runAllWorkers([worker]))
    note()
    expect(names).toEqual(['/Type/Name', '/Type/Name', ''])
  })

  test('is set for a worker that is run directly, too', async () => {
    const names: string[] = []
    await namedWorker(() => void names.push(currentName()), 'Alone').run(new AbortController().signal)
    expect(names).toEqual(['/Alone'])
  })
})
