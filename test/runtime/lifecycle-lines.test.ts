import type { Logger } from 'pino'
import {
  type DeclarativeWorker,
  LOGGER,
  type RunProvidedOptions,
  type Runnable,
  Runtime,
  backoff,
  currentLogger,
  namedWorker,
  provideWorker,
  retry,
  runAllWorkers,
  runProvidedWorkers,
  supervise,
  wait,
} from 'runutil'
import { describe, expect, test } from 'vitest'
import { type LogLine, capturedLogger } from '../support/logs.ts'
import { failureOf, follow, untilAbort } from '../support/outcome.ts'
import { ObservedRun, named } from '../support/runtime/observed-run.ts'
import { fresh } from '../support/runtime/run-group.ts'

/** A run that logs the starts and ends of its workers, too. */
class Run extends ObservedRun {
  constructor() {
    super({ lifecycle: true, grace: '10s' })
  }

  /** The lines since the last call, as 'info /A started'. */
  get lines(): string[] {
    return this.log.lines.splice(0).map(textOf)
  }
}

const LEVELS: Record<number, string> = { 20: 'debug', 30: 'info', 40: 'warn', 60: 'fatal' }

function textOf({ level, worker = '-', msg, err }: LogLine): string {
  return `${LEVELS[level]} ${worker} ${msg}${err === undefined ? '' : `: ${err.message}`}`
}

const fails = async (signal: AbortSignal): Promise<void> => {
  await wait('1s', signal)
  if (!signal.aborted) throw new Error('no connection')
}
const ends = (): Promise<void> => wait('1s')

describe('a line at info reports', () => {
  test('each start before the worker runs, and each stop after it has ended', async () => {
    const run = new Run()
    const over = run.start(named('A'), named('B'), untilAbort)
    expect(run.lines).toEqual(['info /A started', 'info /B started', 'info /#2 started'])
    run.stop()
    await over
    expect(run.lines).toEqual(['info /A stopped', 'info /B stopped', 'info /#2 stopped'])
  })

  test('no worker that never started', async () => {
    const run = new Run()
    const over = run.start(named('Db'), named('Api', untilAbort, { after: 'Db' }))
    run.stop()
    await over
    expect(run.lines).toEqual(['info /Db started', 'info /Db stopped'])

    const early = new Run()
    early.stop()
    await early.start(named('A'))
    expect(early.lines).toEqual([])
  })

  test('the end of a worker that is done', async () => {
    const run = new Run()
    const over = run.start(named('Migrate', ends, { restart: 'transient' }))
    await run.clock.advance('1s')
    await over
    expect(run.lines).toEqual(['info /Migrate started', 'info /Migrate done'])
  })

  test('each restart, in a trace of its own', async () => {
    const run = new Run()
    const over = run.start(named('A', fails, { retry: backoff('5s') }))
    await run.clock.advance('6s')
    const traces = run.log.lines.map(({ traceId }) => traceId)
    expect(run.lines).toEqual(['info /A started', 'warn /A worker failed: no connection', 'info /A started'])
    expect(traces[1]).toBe(traces[0])
    expect(traces[2]).not.toBe(traces[0])
    run.stop()
    await over
    expect(run.lines).toEqual(['info /A stopped'])
  })

  test('a stop during the backoff, since no restart follows', async () => {
    const run = new Run()
    const over = run.start(named('A', fails, { retry: backoff('5s') }))
    await run.clock.advance('2s')
    run.stop()
    await over
    expect(run.lines.slice(-2)).toEqual(['warn /A worker failed: no connection', 'info /A stopped'])
  })

  test('the restarts of retry(), with the name of the worker within', async () => {
    const run = new Run()
    const over = run.start(retry(namedWorker(fails, 'A'), backoff('5s')))
    await run.clock.advance('6s')
    run.stop()
    await over
    expect(run.lines.filter((line) => line.startsWith('info'))).toEqual([
      'info /A started',
      'info /A started',
      'info /A stopped',
    ])
  })

  test('the workers that are restarted together with another', async () => {
    const run = new Run()
    const workers = [named('A', fails), named('B')]
    const over = run.start(
      named('Both', supervise(workers, { strategy: 'one_for_all', retry: backoff('5s') })),
    )
    expect(run.lines).toEqual(['info /Both started', 'info /Both/A started', 'info /Both/B started'])
    await run.clock.advance('6s')
    expect(run.lines).toEqual([
      'warn /Both/A worker failed: no connection',
      'info /Both/B stopped',
      'info /Both/A started',
      'info /Both/B started',
    ])
    run.stop()
    await over
  })

  test('the stops, starts and additions of an operator', async () => {
    const run = new Run()
    const over = run.start(named('A'), named('B'))
    run.log.lines.length = 0
    await run.runtime.stop('/A')
    await run.runtime.stop('/A')
    expect(run.lines).toEqual(['info /A stopped'])
    await run.runtime.start('/A')
    expect(run.lines).toEqual(['info /A started'])
    await run.runtime.restart('/A')
    expect(run.lines).toEqual(['info /A stopped', 'info /A started'])
    await run.runtime.add('', named('C'))
    await run.runtime.remove('/C')
    expect(run.lines).toEqual(['info /C started', 'info /C stopped'])
    run.stop()
    await over
  })

  test('that a restart limit is exceeded, with its worker and values', async () => {
    const run = new Run()
    const limited = { retry: backoff('1s'), intensity: { restarts: 1, within: '1m' } }
    const over = follow(run.start(named('Own', fails, limited)))
    await run.clock.advance('3s')
    const [line] = run.log.lines.filter(({ msg }) => msg.startsWith('gave up'))
    expect(line).toMatchObject({ restarts: 1, withinMs: 60_000, traceId: expect.any(String) as string })
    expect(run.lines).toEqual([
      'info /Own started',
      'warn /Own worker failed: no connection',
      'info /Own started',
      'warn /Own worker failed, giving up: no connection',
      'info /Own gave up: 1 restart within 60 s',
      expect.stringMatching(/^fatal \/Own run failed: \/Own gave up: .*no connection$/),
    ])
    expect(over.settled).toBe('rejected')
  })

  test('that a supervisor gives up, before it is restarted itself', async () => {
    const run = new Run()
    const limited = supervise([named('A', fails)], {
      retry: backoff('1s'),
      intensity: { restarts: 0, within: '1m' },
    })
    const over = run.start(named('Sup', limited, { retry: backoff('5s') }))
    await run.clock.advance('2s')
    expect(run.lines.slice(2)).toEqual([
      'warn /Sup/A worker failed, giving up: no connection',
      'info /Sup gave up: 0 restarts within 60 s',
      expect.stringMatching(/^warn \/Sup worker failed: \/Sup gave up/),
    ])
    run.stop()
    await over
  })
})

describe("a worker's own lines have the trace id of its lines of start, failure and stop:", () => {
  const logs = async (signal: AbortSignal): Promise<void> => {
    currentLogger().info('runs')
    await fails(signal)
  }
  const again = backoff('5s')
  const namesItself = namedWorker(namedWorker(logs, 'Name'), 'Type')
  test.each<[string, Runnable, string, DeclarativeWorker['retry']]>([
    ['an entry', named('A', logs), '/A', again],
    ['one without a name', logs, '/#0', again],
    ['a named worker', namesItself, '/Type/Name', again],
    ['an entry with a named worker', named('A', namesItself), '/A/Type/Name', again],
    ['an entry with retry()', named('A', retry(logs, again)), '/A', undefined],
    ['retry() of a named worker', retry(namesItself, again), '/Type/Name', undefined],
    ['a named worker with retry()', namedWorker(retry(logs, again), 'A'), '/A', undefined],
    ['retry() in a name in retry()', retry(namedWorker(retry(logs, again), 'A'), again), '/A', undefined],
    ['an entry with all of that', named('A', retry(namesItself, again)), '/A/Type/Name', undefined],
  ])('%s', async (_, worker, path, backoffOfGroup) => {
    const run = new Run()
    const isAlone = backoffOfGroup === undefined
    const over = isAlone
      ? run.start(worker)
      : run.start(named('Sup', supervise([worker], { retry: backoffOfGroup })))
    await run.clock.advance('6s')
    run.stop()
    await over
    const whole = isAlone ? path : `/Sup${path}`
    const lines = run.log.lines.filter((line) => line.worker === whole)
    const traces = [...new Set(lines.map(({ traceId }) => traceId))]
    expect(lines.map(({ msg, traceId }) => `${msg} ${traces.indexOf(traceId)}`)).toEqual([
      'started 0',
      'runs 0',
      'worker failed 0',
      'started 1',
      'runs 1',
      'stopped 1',
    ])
  })
})

describe('a warning about a failure has the delay', () => {
  const limited = { retry: backoff('1s'), intensity: { restarts: 1, within: '1m' } }
  test.each<[string, Partial<DeclarativeWorker>, (number | undefined)[]]>([
    ['before each restart, but not when the limit is exceeded', limited, [1_000, undefined]],
    ['unless retryIf does not retry the error', { retry: backoff('1s'), retryIf: () => false }, [undefined]],
    ['unless the backoff does not return one', { retry: { duration: () => NaN } }, [undefined]],
    ['unless the worker is temporary', { restart: 'temporary' }, [undefined]],
  ])('%s', async (_, rest, delays) => {
    const run = new Run()
    const over = follow(run.start(named('A', fails, rest)))
    await run.clock.advance('3s')
    run.stop()
    await run.clock.advance(0)
    expect(over.settled).not.toBe('no')
    const warnings = run.log.lines.filter(({ level }) => level === 40)
    expect(warnings.map(({ delayMs }) => delayMs)).toEqual(delays)
  })
})

/** Runs nothing, with a Runtime that serves another run. */
async function runWithUsed(options: RunProvidedOptions): Promise<void> {
  const runtime = new Runtime()
  const stop = new AbortController()
  const other = runAllWorkers([untilAbort], stop.signal, { runtime })
  try {
    await runAllWorkers([], undefined, { ...options, runtime })
  } finally {
    stop.abort()
    await other
  }
}

/** Runs a class of that group with these workers. */
function runClass(workers: () => Runnable[], options: RunProvidedOptions): Promise<void> {
  const container = fresh()
  provideWorker(
    container,
    class Provided {
      workers = workers
    },
    { group: 'lifecycle lines' },
  )
  return runProvidedWorkers(container, undefined, options)
}

describe('one line at fatal reports why a run ends', () => {
  test('at the first failure without a restart, before the others are stopped', async () => {
    const run = new Run()
    const over = failureOf(run.start(named('A', fails), named('B', fails), named('C')))
    await run.clock.advance('1s')
    await over
    const [fatal, ...stopped] = run.lines.slice(3)
    expect([fatal, ...stopped.sort()]).toEqual([
      'fatal /A run failed: no connection',
      'info /B stopped',
      'info /C stopped',
    ])
  })

  test('before the promise rejects, with the logger of the worker', async () => {
    const run = new Run()
    let atRejection: LogLine | undefined
    const over = run.start(named('A', fails)).catch(() => (atRejection = run.log.lines.at(-1)))
    await run.clock.advance('1s')
    await over
    expect(atRejection).toMatchObject({
      level: 60,
      worker: '/A',
      msg: 'run failed',
      traceId: run.log.lines[0]!.traceId,
    })
  })

  test('when a worker fails only while it stops', async () => {
    const run = new Run()
    const spoiled = async (signal: AbortSignal): Promise<void> => {
      await untilAbort(signal)
      throw new Error('cannot save')
    }
    const over = failureOf(run.start(named('A', spoiled), named('B', spoiled)))
    run.stop()
    await over
    expect(run.lines.slice(2)).toEqual([
      'info /A stopped',
      'fatal /A run failed: cannot save',
      'info /B stopped',
    ])
  })

  test('when a worker does not end within the grace period', async () => {
    const run = new Run()
    const over = failureOf(run.start(named('A', () => new Promise(() => {}))))
    run.stop()
    await run.clock.advance('10s')
    await over
    expect(run.lines.slice(1)).toEqual(['fatal - run failed: still running 10000 ms after the abort: /A'])
  })

  test('except for a run within a worker, whose failure is that of the worker', async () => {
    const run = new Run()
    const inner = (signal: AbortSignal): Promise<void> => runAllWorkers([named('In', fails)], signal)
    const over = run.start(named('Out', inner, { retry: backoff('1m') }))
    await run.clock.advance('1s')
    expect(run.lines).toEqual([
      'info /Out started',
      'info /Out/In started',
      'warn /Out worker failed: /Out/In: no connection',
    ])
    run.stop()
    await over
  })

  const twice = [named('A'), named('A')]
  const circle = [named('A', untilAbort, { after: 'B' }), named('B', untilAbort, { after: 'A' })]
  test.each<[string, (options: RunProvidedOptions) => Promise<void>]>([
    ['two workers with the same name', (options) => runAllWorkers(twice, undefined, options)],
    ['a circle', (options) => runAllWorkers(circle, undefined, options)],
    ['no workers', (options) => runAllWorkers(1 as never, undefined, options)],
    ['an unknown option', (options) => runAllWorkers([], undefined, { ...options, graze: 1 } as never)],
    ['an invalid grace', (options) => runAllWorkers([], undefined, { ...options, grace: -1 })],
    ['no signal', (options) => runAllWorkers([], 'SIGTERM' as never, options)],
    ['a Runtime in use', (options) => runWithUsed(options)],
    ['no container', (options) => runProvidedWorkers({} as never, undefined, options)],
    ['a class with two workers of the same name', (options) => runClass(() => twice, options)],
    ['a class with a circle', (options) => runClass(() => circle, options)],
    [
      'a class that throws',
      (options) =>
        runClass(() => {
          throw new Error('no configuration')
        }, options),
    ],
  ])('before anything runs, through the logger of the run: %s', async (_, run) => {
    const { logger, lines } = capturedLogger({ lifecycle: true })
    let atRejection = ''
    const error = await failureOf(
      run({ logger, group: 'lifecycle lines' }).finally(() => (atRejection = lines.map(textOf).join())),
    )
    expect(atRejection).toBe(`fatal - run failed: ${error.message}`)
  })

  test('before anything runs, through the logger of the container', async () => {
    const { logger, lines } = capturedLogger({ lifecycle: true })
    const container = fresh()
    container.register(LOGGER, { useValue: logger })
    const error = await failureOf(runProvidedWorkers(container, undefined, { grace: -1 }))
    expect(lines.map(textOf)).toEqual([`fatal - run failed: ${error.message}`])
  })

  test('except for a rejected run within a worker, whose failure it is', async () => {
    const run = new Run()
    const over = failureOf(run.start(named('Out', () => runAllWorkers(twice))))
    await over
    expect(run.lines.map((line) => line.slice(0, 20))).toEqual(['info /Out started', 'fatal /Out run faile'])
  })

  test.each([
    ['fails', true, ['fatal /Lines/A run failed: no connection']],
    ['does not fail', false, ['info /Lines/A stopped', 'fatal - run failed: cannot close']],
  ])('once if a disposal fails and a worker %s', async (_, isFailing, expected) => {
    const { logger, lines } = capturedLogger({ lifecycle: true })
    const container = fresh()
    const stop = new AbortController()
    class Failing {
      workers = () => [named('A', isFailing ? () => Promise.reject(new Error('no connection')) : untilAbort)]
      dispose(): void {
        throw new Error('cannot close')
      }
    }
    provideWorker(container, Failing, { group: 'lifecycle lines', name: 'Lines' })
    const over = failureOf(runProvidedWorkers(container, stop.signal, { group: 'lifecycle lines', logger }))
    if (!isFailing) setImmediate(() => stop.abort())
    await over
    expect(lines.slice(1).map(textOf)).toEqual(expected)
  })
})

describe('the lines of 1,001 workers', () => {
  const many = (...others: DeclarativeWorker[]): DeclarativeWorker[] => [
    ...Array.from({ length: 1_001 - others.length }, (_, at) => named(`W${at}`)),
    ...others,
  ]

  test('are a single one with the count', async () => {
    const run = new Run()
    const over = run.start(...many())
    expect(run.log.lines).toMatchObject([{ level: 30, msg: '1001 workers started', count: 1_001 }])
    expect(run.lines).toEqual(['info - 1001 workers started'])
    run.stop()
    await over
    expect(run.log.lines).toMatchObject([{ level: 30, msg: '1001 workers stopped', count: 1_001 }])
  })

  test('are logged for each worker at debug', async () => {
    const run = new Run()
    run.log.logger.level = 'debug'
    const over = run.start(named('All', supervise(many())))
    expect(run.lines).toEqual([
      'info /All started',
      ...Array.from({ length: 1_001 }, (_, at) => `debug /All/W${at} started`),
      'info /All 1001 workers started',
    ])
    run.stop()
    await over
    expect(run.lines.slice(-3)).toEqual([
      'debug /All/W1000 stopped',
      'info /All 1001 workers stopped',
      'info /All stopped',
    ])
  })

  test('do not count workers that wait for others, and name a failed one', async () => {
    const run = new Run()
    const over = failureOf(run.start(...many(named('Api', untilAbort, { after: 'W0' }), named('A', fails))))
    expect(run.lines).toEqual(['info - 1000 workers started'])
    await run.clock.advance('1s')
    await over
    expect(run.lines).toEqual(['fatal /A run failed: no connection', 'info - 999 workers stopped'])
  })

  test('are one per worker for 1,000', async () => {
    const run = new Run()
    const over = run.start(...many().slice(1))
    expect(run.lines).toHaveLength(1_000)
    run.stop()
    await over
  })
})

describe('logging does not affect a run:', () => {
  test('a logger whose level is above info creates no loggers for its workers', async () => {
    const run = new Run()
    run.log.logger.level = 'warn'
    let children = 0
    const { logger } = run.log
    const child = logger.child.bind(logger)
    logger.child = ((...given: Parameters<typeof child>) => (children++, child(...given))) as typeof child
    const over = run.start(named('A'), named('B'))
    run.stop()
    await over
    expect({ children, lines: run.lines }).toEqual({ children: 0, lines: [] })
  })

  test('a logger that throws is ignored', async () => {
    const stop = new AbortController()
    const throws = (): never => {
      throw new Error('broken')
    }
    const broken = { child: throws, isLevelEnabled: throws, info: throws, fatal: throws } as unknown as Logger
    const over = runAllWorkers([named('A')], stop.signal, { logger: broken })
    stop.abort()
    await over
    expect(
      (
        await failureOf<AggregateError>(
          runAllWorkers([() => Promise.reject(new Error('no connection'))], undefined, { logger: broken }),
        )
      ).errors,
    ).toHaveLength(1)
  })
})
