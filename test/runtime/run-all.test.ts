import { getEventListeners } from 'node:events'
import {
  DuplicateNameError,
  ErrWorkerExitedPrematurely,
  InvalidArgumentError,
  InvalidDurationError,
  type Runnable,
  ShutdownTimeoutError,
  SiblingExitedError,
  WorkerGroupError,
  currentName,
  errorIs,
  namedWorker,
  repeat,
  retry,
  backoff,
  runAllJobs,
  runAllWorkers,
  wait,
} from 'runutil'
import { Probe, VirtualClock } from 'runutil/testing'
import { describe, expect, test, vi } from 'vitest'
import { failureOf, follow, untilAbort } from '../support/outcome.ts'

const macrotask = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('a group of workers', () => {
  test('starts all at once, before any has had to wait', async () => {
    const started: number[] = []
    const stop = new AbortController()
    const workers = [0, 1, 2].map((n) => (signal: AbortSignal) => {
      started.push(n)
      return untilAbort(signal)
    })
    const run = runAllWorkers(workers, stop.signal)
    expect(started).toEqual([0, 1, 2])
    stop.abort()
    await run
  })

  test('resolves when the caller aborted and every worker returned', async () => {
    const stop = new AbortController()
    const run = follow(runAllWorkers([untilAbort, untilAbort], stop.signal))
    await macrotask()
    expect(run.settled).toBe('no')
    stop.abort()
    await macrotask()
    expect(run.settled).toBe('resolved')
  })

  test('aborts all others when one fails, and settles when all have ended', async () => {
    const clock = new VirtualClock()
    const broken = new Error('broken')
    const aborted: unknown[] = []
    const run = follow(
      runAllWorkers(
        [
          async function slowToStop(signal) {
            await untilAbort(signal)
            aborted.push(signal.reason)
            await wait(100)
          },
          async function breaks() {
            await wait(10)
            throw broken
          },
        ],
        undefined,
        { clock },
      ),
    )
    await clock.advance(10)
    expect(aborted).toEqual([expect.any(SiblingExitedError)])
    expect(aborted[0]).toMatchObject({ worker: '/breaks', cause: broken })
    await clock.advance(99)
    expect(run.settled).toBe('no')
    await clock.advance(1)
    expect(run.error).toBeInstanceOf(WorkerGroupError)
    expect((run.error as WorkerGroupError).errors).toEqual([broken])
  })

  test('a worker that returns too early aborts the others and is an error, alone in a group too', async () => {
    const others = vi.fn()
    const error = await failureOf<WorkerGroupError>(
      runAllWorkers([
        async (signal) => untilAbort(signal).then(() => void others()),
        async function quits() {},
      ]),
    )
    expect(others).toHaveBeenCalledTimes(1)
    expect(error.errors).toEqual([expect.any(ErrWorkerExitedPrematurely)])
    expect(error.errors[0]).toMatchObject({ worker: '/quits', code: 'ERR_WORKER_EXITED_PREMATURELY' })
    expect(errorIs(await failureOf(runAllWorkers([() => {}])), ErrWorkerExitedPrematurely)).toBe(true)
  })

  test('a worker that returns after another exited is not premature', async () => {
    const error = await failureOf<WorkerGroupError>(runAllWorkers([() => {}, () => {}, untilAbort]))
    expect(error.errors).toHaveLength(1)
    expect(error.workers).toEqual(['/#0'])
  })

  test('collects the root cause first and the consequences after, in the order they came', async () => {
    const clock = new VirtualClock({ auto: true })
    const failAfter = (ms: number, message: string) => async (signal: AbortSignal) => {
      await untilAbort(signal)
      await wait(ms)
      throw new Error(message)
    }
    const root = async (): Promise<void> => {
      await wait(5)
      throw new Error('root')
    }
    const workers = [failAfter(30, 'third'), failAfter(10, 'second'), root, untilAbort]
    const error = await failureOf<WorkerGroupError>(runAllWorkers(workers, undefined, { clock }))
    expect(error.errors.map(({ message }) => message)).toEqual(['root', 'second', 'third'])
    expect(error.workers).toEqual(['/root', '/#1', '/#0'])
  })

  test('rejects when a worker fails on the way out after the caller aborted', async () => {
    const stop = new AbortController()
    const lost = new Error('could not flush')
    const flush = async (signal: AbortSignal): Promise<void> => {
      await untilAbort(signal)
      throw lost
    }
    const run = failureOf<WorkerGroupError>(runAllWorkers([flush, untilAbort], stop.signal))
    stop.abort()
    expect((await run).errors).toEqual([lost])
  })

  test('decides by the signal, never by the name of an error', async () => {
    const early = new DOMException('not ours', 'AbortError')
    const thrower = async (): Promise<void> => {
      throw early
    }
    expect((await failureOf<WorkerGroupError>(runAllWorkers([thrower]))).errors).toEqual([early])
    const stop = new AbortController()
    const late = runAllWorkers(
      [async (signal) => untilAbort(signal).then(() => Promise.reject(early))],
      stop.signal,
    )
    stop.abort()
    expect((await failureOf<WorkerGroupError>(late)).errors).toEqual([early])
  })

  test.each<[string, (signal: AbortSignal) => unknown]>([
    ["the signal's reason", (signal): unknown => signal.reason],
    ['an error caused by it', (signal) => new Error('wrapped', { cause: signal.reason })],
  ])('a worker that throws %s after the abort has stopped as it was asked', async (_, thrown) => {
    for (const reason of [new Error('stop'), 'bye', undefined, { code: 7 }]) {
      const stop = new AbortController()
      const worker = async (signal: AbortSignal): Promise<void> => {
        await untilAbort(signal)
        throw thrown(signal)
      }
      const run = runAllWorkers([worker], stop.signal)
      stop.abort(reason)
      await expect(run).resolves.toBeUndefined()
    }
  })

  test("a consequence that is only the abort's reason coming back is told when a worker caused the abort", async () => {
    const root = new Error('root')
    const error = await failureOf<WorkerGroupError>(
      runAllWorkers([
        async (signal) => untilAbort(signal).then(() => signal.throwIfAborted()),
        async function roots() {
          throw root
        },
      ]),
    )
    expect(error.errors).toEqual([root, expect.any(SiblingExitedError)])
    expect(error.workers).toEqual(['/roots', '/#0'])
  })

  test('hands each worker a signal that aborts with the reason of the caller', async () => {
    const stop = new AbortController()
    const reason = new Error('enough')
    const seen: unknown[] = []
    const worker = async (signal: AbortSignal): Promise<void> => {
      await untilAbort(signal)
      seen.push(signal.reason)
    }
    const run = runAllWorkers([worker, worker], stop.signal)
    stop.abort(reason)
    await run
    expect(seen).toEqual([reason, reason])
  })

  test('resolves at once without workers, whatever the signal', async () => {
    await expect(runAllWorkers([])).resolves.toBeUndefined()
    await expect(runAllWorkers(new Set<Runnable>(), AbortSignal.abort())).resolves.toBeUndefined()
    await expect(runAllJobs([])).resolves.toBeUndefined()
  })

  test("starts no worker's body under an aborted signal, and resolves", async () => {
    const body = vi.fn()
    const kinds: Runnable[] = [
      body,
      { run: body },
      namedWorker(body, 'named'),
      { name: 'declared', worker: body, retry: backoff(5) },
      repeat(5, body, { startImmediately: true }),
      retry(body, backoff(5)),
    ]
    await expect(runAllWorkers(kinds, AbortSignal.abort())).resolves.toBeUndefined()
    await expect(runAllWorkers(kinds, AbortSignal.abort(), { grace: 0 })).resolves.toBeUndefined()
    expect(body).not.toHaveBeenCalled()
  })

  test('starts none of those whose turn comes after a worker aborted the caller', async () => {
    const stop = new AbortController()
    const later = vi.fn()
    await runAllWorkers([() => stop.abort(), later], stop.signal)
    expect(later).not.toHaveBeenCalled()
  })

  test('takes the workers of any iterable, once', async () => {
    const stop = new AbortController()
    const asked = vi.fn()
    function* workers(): Iterable<Runnable> {
      asked()
      yield untilAbort
      yield { run: untilAbort }
    }
    const run = runAllWorkers(workers(), stop.signal)
    stop.abort()
    await run
    expect(asked).toHaveBeenCalledTimes(1)
  })

  test('calls run as a method', async () => {
    class Counter {
      runs = 0
      async run(signal: AbortSignal): Promise<void> {
        this.runs++
        await untilAbort(signal)
      }
    }
    const counter = new Counter()
    const stop = new AbortController()
    const run = runAllWorkers([counter], stop.signal)
    stop.abort()
    await run
    expect(counter.runs).toBe(1)
  })

  test('keeps the process alive while it runs, no longer', async () => {
    const timeouts = (): number =>
      process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length
    const before = timeouts()
    const stop = new AbortController()
    const run = runAllWorkers([untilAbort], stop.signal)
    expect(timeouts()).toBe(before + 1)
    stop.abort()
    await run
    expect(timeouts()).toBe(before)
  })

  test('leaves no listener on the signal of the caller, however it ends', async () => {
    const { signal } = new AbortController()
    await failureOf(runAllWorkers([() => {}], signal))
    await failureOf(runAllWorkers([() => Promise.reject(new Error('x')), untilAbort], signal))
    await runAllJobs([async () => {}], signal)
    await failureOf(runAllWorkers([null as never], signal))
    expect(getEventListeners(signal, 'abort')).toHaveLength(0)
    const stop = new AbortController()
    const run = runAllWorkers([untilAbort], stop.signal)
    expect(getEventListeners(stop.signal, 'abort')).toHaveLength(1)
    stop.abort()
    await run
    expect(getEventListeners(stop.signal, 'abort')).toHaveLength(0)
  })

  test('of 10,000 workers on one signal prints no warning', async () => {
    const warned = vi.fn()
    process.on('warning', warned)
    const stop = new AbortController()
    const workers = Array.from({ length: 10_000 }, (_, n) => (n % 2 === 0 ? untilAbort : sleeper))
    const run = runAllWorkers(workers, stop.signal)
    await macrotask()
    stop.abort()
    await run
    await macrotask()
    process.off('warning', warned)
    expect(warned).not.toHaveBeenCalled()
  })

  test('works on a signal that already has listeners, and calls those too', async () => {
    const stop = new AbortController()
    const mine = vi.fn()
    stop.signal.addEventListener('abort', mine)
    const run = runAllWorkers([untilAbort], stop.signal)
    stop.abort()
    await run
    expect(mine).toHaveBeenCalledTimes(1)
    expect(getEventListeners(stop.signal, 'abort')).toHaveLength(1)
  })
})

describe('an error in a group', () => {
  test('thrown synchronously is a rejection, and the other workers start all the same', async () => {
    const started = vi.fn()
    const broken = new Error('sync')
    const workers: Runnable[] = [
      () => {
        throw broken
      },
      async (signal) => {
        started()
        await untilAbort(signal)
      },
    ]
    const run = runAllWorkers(workers)
    expect(run).toBeInstanceOf(Promise)
    expect((await failureOf<WorkerGroupError>(run)).errors).toEqual([broken])
    expect(started).toHaveBeenCalledTimes(1)
  })

  test.each([['text'], [42], [null], [undefined], [{ status: 500 }]])(
    'that is %o and no Error is wrapped, the value kept as cause',
    async (thrown) => {
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- that is the point
      const error = await failureOf<WorkerGroupError>(runAllWorkers([() => Promise.reject(thrown)]))
      expect(error.errors[0]).toBeInstanceOf(Error)
      expect(error.errors[0]).toHaveProperty('cause', thrown)
      expect(error.errors[0]).toHaveProperty('worker', '/#0')
    },
  )

  test('is always in one WorkerGroupError, even alone, with the worker that it came from', async () => {
    const broken = new Error('broken')
    const error = await failureOf<WorkerGroupError>(
      runAllWorkers([namedWorker(() => Promise.reject(broken), 'Fetcher')]),
    )
    expect(error).toBeInstanceOf(WorkerGroupError)
    expect(error.errors).toEqual([broken])
    expect(error.workers).toEqual(['/Fetcher'])
    expect(error.message).toBe('/Fetcher: broken')
    expect(broken).toHaveProperty('worker', '/Fetcher')
    expect(Object.keys(broken)).toEqual([])
  })

  test.each<[string, () => Error]>([
    ['frozen', () => Object.freeze(new Error('frozen'))],
    ['sealed', () => Object.seal(new Error('sealed'))],
    ['one with a worker of its own', () => Object.assign(new Error('own'), { worker: 'mine' })],
  ])('that is %s is told as it is, and named in workers', async (_, make) => {
    const broken = make()
    const before = { ...broken }
    const error = await failureOf<WorkerGroupError>(runAllWorkers([() => Promise.reject(broken)]))
    expect(error.errors[0]).toBe(broken)
    expect({ ...broken }).toEqual(before)
    expect(error.workers).toEqual(['/#0'])
  })

  test('that two workers share is told for both', async () => {
    const shared = new Error('the database is gone')
    const fails = (): Promise<void> => Promise.reject(shared)
    const error = await failureOf<WorkerGroupError>(
      runAllWorkers([namedWorker(fails, 'a'), namedWorker(fails, 'b')]),
    )
    expect(error.errors).toEqual([shared, shared])
    expect(error.workers).toEqual(['/a', '/b'])
  })

  test('carries the full path of its worker through groups in groups', async () => {
    const broken = new Error('deep')
    const inner = namedWorker(
      (signal) => runAllWorkers([namedWorker(() => Promise.reject(broken), 'Name')], signal),
      'Type',
    )
    const error = await failureOf<WorkerGroupError>(runAllWorkers([inner, untilAbort]))
    expect(error.workers).toEqual(['/Type'])
    expect(error.errors[0]).toBeInstanceOf(WorkerGroupError)
    expect((error.errors[0] as WorkerGroupError).workers).toEqual(['/Type/Name'])
    expect(broken).toHaveProperty('worker', '/Type/Name')
    expect(errorIs(error, WorkerGroupError)).toBe(true)
  })

  test.each<[string, Runnable, string]>([
    ['its name', namedWorker(() => {}, 'Named'), '/Named'],
    [
      'all its names',
      namedWorker(
        namedWorker(() => {}, 'Inner'),
        'Outer',
      ),
      '/Outer/Inner',
    ],
    ['the name it declares', { name: 'Declared', worker: () => {} }, '/Declared'],
    ["its function's name", function poll() {}, '/poll'],
    [
      'its class',
      new (class Poller {
        async run() {}
      })(),
      '/Poller',
    ],
    ['its place in the list', () => {}, '/#0'],
    ['its place in the list, as a plain object', { run: async () => {} }, '/#0'],
    [
      'its class, though it happens to hold a worker and a name',
      new (class Holder {
        name = 'x'
        worker = 1
        async run() {}
      })(),
      '/Holder',
    ],
  ])('calls a worker by %s', async (_, worker, label) => {
    const error = await failureOf<WorkerGroupError>(runAllWorkers([worker]))
    expect(error.workers).toEqual([label])
    expect(error.errors[0]).toHaveProperty('worker', label)
  })
})

describe('grace', () => {
  const stubborn = (): Promise<void> => new Promise(() => {})

  test('names the workers that ignore the abort for that long', async () => {
    const clock = new VirtualClock()
    const stop = new AbortController()
    const workers = [namedWorker(stubborn, 'a'), untilAbort, namedWorker(stubborn, 'b')]
    const run = follow(runAllWorkers(workers, stop.signal, { clock, grace: '30s' }))
    await clock.advance('1h')
    stop.abort()
    await clock.advance(29_999)
    expect(run.settled).toBe('no')
    await clock.advance(1)
    const { errors } = run.error as WorkerGroupError
    expect(errors).toEqual([expect.any(ShutdownTimeoutError)])
    expect(errors[0]).toMatchObject({ workers: ['/a', '/b'], graceMs: 30_000 })
    expect(getEventListeners(stop.signal, 'abort')).toHaveLength(0)
  })

  test('begins with the first exit too, and comes after the root cause', async () => {
    const clock = new VirtualClock({ auto: true })
    const broken = new Error('broken')
    const workers: Runnable[] = [namedWorker(stubborn, 'a'), () => Promise.reject(broken)]
    const error = await failureOf<WorkerGroupError>(runAllWorkers(workers, undefined, { clock, grace: '5s' }))
    expect(error.errors).toEqual([broken, expect.any(ShutdownTimeoutError)])
    expect(clock.elapsed()).toBe(5_000)
  })

  test('sets no timer that outlives the run', async () => {
    const clock = new VirtualClock()
    const stop = new AbortController()
    const run = runAllWorkers([untilAbort], stop.signal, { clock, grace: '30s' })
    stop.abort()
    await run
    expect(clock.pending).toBe(0)
  })

  test('of 0 still lets workers end that need no time', async () => {
    const stop = new AbortController()
    const run = runAllWorkers([untilAbort], stop.signal, { grace: 0 })
    stop.abort()
    await expect(run).resolves.toBeUndefined()
  })

  test('what a late worker throws afterwards harms nothing', async () => {
    const clock = new VirtualClock()
    const stop = new AbortController()
    const late = new Probe('late')
    const worker = async (signal: AbortSignal): Promise<void> => {
      await untilAbort(signal)
      await wait('10s')
      late.hit()
      throw new Error('too late')
    }
    const run = failureOf<WorkerGroupError>(runAllWorkers([worker], stop.signal, { clock, grace: '1s' }))
    stop.abort()
    await clock.advance('20s')
    await late.times(1)
    expect((await run).errors).toHaveLength(1)
  })

  test('without it there is no limit', async () => {
    const clock = new VirtualClock()
    const stop = new AbortController()
    const run = follow(runAllWorkers([stubborn], stop.signal, { clock }))
    stop.abort()
    await clock.advance('365d')
    expect(run.settled).toBe('no')
    expect(clock.pending).toBe(0)
  })

  test('limits jobs as well', async () => {
    const clock = new VirtualClock({ auto: true })
    const stop = new AbortController()
    const run = failureOf<WorkerGroupError>(
      runAllJobs([stubborn, async () => {}], stop.signal, { clock, grace: '1s' }),
    )
    stop.abort()
    expect((await run).errors).toEqual([expect.any(ShutdownTimeoutError)])
  })
})

describe('runAllJobs', () => {
  test('runs all in parallel and cancels none when one fails', async () => {
    const clock = new VirtualClock({ auto: true })
    const ended: string[] = []
    const job = (name: string, ms: number) => async (signal: AbortSignal) => {
      await wait(ms, signal)
      ended.push(`${name} at ${clock.elapsed()}${signal.aborted ? ' aborted' : ''}`)
      if (name.startsWith('bad')) throw new Error(name)
    }
    const jobs = [job('slow', 300), job('bad 1', 20), job('bad 2', 10), { runOnce: job('object', 100) }]
    const error = await failureOf<WorkerGroupError>(runAllJobs(jobs, undefined, { clock }))
    expect(ended).toEqual(['bad 2 at 10', 'bad 1 at 20', 'object at 100', 'slow at 300'])
    expect(error).toBeInstanceOf(WorkerGroupError)
    expect(error.errors.map(({ message }) => message)).toEqual(['bad 2', 'bad 1'])
    expect(error.workers).toEqual(['/#2', '/#1'])
  })

  test('resolves when all have succeeded', async () => {
    const ran = vi.fn()
    await expect(runAllJobs([ran, { runOnce: async () => void ran() }])).resolves.toBeUndefined()
    expect(ran).toHaveBeenCalledTimes(2)
  })

  test('passes the abort on to its jobs, and one that returns then has succeeded', async () => {
    const stop = new AbortController()
    const reason = new Error('stop')
    const seen: unknown[] = []
    const job = async (signal: AbortSignal): Promise<void> => {
      await untilAbort(signal)
      seen.push(signal.reason)
    }
    const run = runAllJobs([job, job], stop.signal)
    stop.abort(reason)
    await run
    expect(seen).toEqual([reason, reason])
  })

  test('a job that throws the reason of the abort was not done', async () => {
    const stop = new AbortController()
    const run = runAllJobs(
      [async (signal) => untilAbort(signal).then(() => signal.throwIfAborted())],
      stop.signal,
    )
    const reason = new Error('stop')
    stop.abort(reason)
    expect((await failureOf<WorkerGroupError>(run)).errors).toEqual([reason])
  })

  test('starts nothing under an aborted signal, and rejects with the reason for each job', async () => {
    const body = vi.fn()
    const reason = new Error('too late')
    const run = runAllJobs([body, { runOnce: body }, body], AbortSignal.abort(reason))
    const error = await failureOf<WorkerGroupError>(run)
    expect(body).not.toHaveBeenCalled()
    expect(error.errors).toEqual([reason, reason, reason])
    expect(error.workers).toHaveLength(3)
  })

  test('takes a synchronous throw and a non-Error as the failure of that job alone', async () => {
    const jobs = [
      () => {
        throw new Error('sync')
      },
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- that is the point
      () => Promise.reject('text'),
      async () => {},
    ]
    const { errors } = await failureOf<WorkerGroupError>(runAllJobs(jobs))
    expect(errors.map(({ message }) => message)).toEqual(['sync', 'a non-Error was thrown: "text"'])
    expect(errors[1]).toHaveProperty('cause', 'text')
  })
})

describe('two runs', () => {
  test('side by side end each by itself', async () => {
    const [one, two] = [new AbortController(), new AbortController()]
    const first = follow(runAllWorkers([untilAbort], one.signal))
    const second = follow(runAllWorkers([untilAbort], two.signal))
    one.abort()
    await macrotask()
    expect([first.settled, second.settled]).toEqual(['resolved', 'no'])
    two.abort()
    await macrotask()
    expect(second.settled).toBe('resolved')
  })

  test('one inside the other take over its name and clock', async () => {
    const clock = new VirtualClock({ auto: true })
    const names: string[] = []
    const leaf = async (): Promise<void> => {
      await wait('1h')
      names.push(currentName())
    }
    const outer = namedWorker(() => runAllJobs([leaf]), 'Outer')
    await failureOf(runAllWorkers([outer], undefined, { clock }))
    expect(names).toEqual(['/Outer'])
    expect(clock.elapsed()).toBe(3_600_000)
  })
})

describe('bad input is refused with a typed error before anything runs:', () => {
  const job = { runOnce: async () => {} }
  class ForgotNew {
    async run(): Promise<void> {}
  }
  const configurer = { workers: () => [] }

  test.each<[string, unknown, RegExp]>([
    ['no list', undefined, /^runAllWorkers: expected an array or other iterable as workers; got undefined$/],
    ['null', null, /expected an array or other iterable/],
    ['one worker instead of a list', untilAbort, /expected an array or other iterable/],
    ['a string', 'worker', /expected an array or other iterable as workers; got "worker"/],
    ['a hole', [undefined], /^runAllWorkers: workers\[1\]: expected a function .* got undefined$/],
    ['a promise', [Promise.resolve()], /workers\[1\]: expected a function .* an instance of Promise$/],
    ['a number', [5], /workers\[1\]: expected a function .* got 5$/],
    ['a job', [job], /this is a job: wrap it in repeat\(every, job\)$/],
    ['a class', [ForgotNew], /got function ForgotNew$/],
    ['a configurer', [configurer], /pass what its workers\(\) returns$/],
    ['run that is no method', [{ run: 5 }], /got an object \{ run \}$/],
    [
      'a declarative worker without a name',
      [{ worker: untilAbort }],
      /workers\[1\]: name: expected a name that isn't empty; got undefined/,
    ],
    ['an empty name', [{ name: ' ', worker: untilAbort }], /name: expected a name that isn't empty; got " "/],
    ['a number as name', [{ name: 5, worker: untilAbort }], /name: expected a name/],
    [
      'a job as declarative worker',
      [{ name: 'a', worker: job }],
      /workers\[1\] \('a'\): worker: .*this is a job/,
    ],
    [
      'a declarative worker that misses its worker',
      [{ name: 'a', worker: undefined }],
      /\('a'\): worker: expected a function/,
    ],
    [
      'a duration as retry',
      [{ name: 'a', worker: untilAbort, retry: '5s' }],
      /\('a'\): retry: expected a Backoff/,
    ],
    [
      'an unknown key',
      [{ name: 'a', worker: untilAbort, retrry: backoff(5) }],
      /workers\[1\]: unknown option 'retrry'; did you mean 'retry'\?/,
    ],
  ])('%s', async (_, given, message) => {
    const ran = vi.fn()
    const list = Array.isArray(given) ? ([ran, ...(given as unknown[])] as Runnable[]) : (given as Runnable[])
    const error = await failureOf(runAllWorkers(list))
    expect(error).toBeInstanceOf(InvalidArgumentError)
    expect(error.message).toMatch(message)
    expect(ran).not.toHaveBeenCalled()
  })

  test.each<[string, unknown, RegExp]>([
    ['no list', {}, /^runAllJobs: expected an array or other iterable as jobs; got/],
    ['a worker', [{ run: untilAbort }], /^runAllJobs: jobs\[1\]: .*this is a worker: it needs no repeating$/],
    ['null', [null], /jobs\[1\]: expected a function .* got null$/],
    ['a class', [ForgotNew], /got function ForgotNew$/],
  ])('as jobs, %s', async (_, given, message) => {
    const ran = vi.fn()
    const list = Array.isArray(given) ? [ran, ...(given as [])] : (given as never)
    const error = await failureOf(runAllJobs(list))
    expect(error).toBeInstanceOf(InvalidArgumentError)
    expect(error.message).toMatch(message)
    expect(ran).not.toHaveBeenCalled()
  })

  const runs = { runAllWorkers, runAllJobs }
  describe.each(Object.entries(runs))('%s', (what, run) => {
    test.each<[string, unknown[], RegExp]>([
      ['an unknown option', [undefined, { grce: 5 }], /unknown option 'grce'; did you mean 'grace'\?/],
      ['no options object', [undefined, 5], /expected an options object \{ logger, clock, grace \}; got 5/],
      [
        'a controller as signal',
        [new AbortController()],
        /expected an AbortSignal; got an instance of AbortController/,
      ],
      ['options as signal', [{ grace: 5 }], /expected an AbortSignal; got an object \{ grace \}/],
      ['null as signal', [null], /expected an AbortSignal; got null/],
      ['console as logger', [undefined, { logger: { info() {} } }], /expected a pino logger/],
      ['Date as clock', [undefined, { clock: Date }], /expected a Clock; got function Date/],
    ])('%s', async (_, given, message) => {
      const ran = vi.fn()
      const error = await failureOf(run([ran], ...(given as [])))
      expect(error).toBeInstanceOf(InvalidArgumentError)
      expect(error.message).toMatch(new RegExp(`^${what}: `))
      expect(error.message).toMatch(message)
      expect(ran).not.toHaveBeenCalled()
    })

    test.each([NaN, -1, Infinity, '', 'soon', null, {}])('a grace of %o', async (grace) => {
      const ran = vi.fn()
      const error = await failureOf(run([ran], undefined, { grace: grace as never }))
      expect(error).toBeInstanceOf(InvalidDurationError)
      expect(error.message).toMatch(new RegExp(`^${what}: grace: expected a duration`))
      expect(ran).not.toHaveBeenCalled()
    })
  })

  test.each<[string, (ran: () => void) => Runnable[]]>([
    ['named', (ran) => [namedWorker(ran, 'a'), namedWorker(ran, 'a')]],
    [
      'declared',
      (ran) => [
        { name: 'a', worker: ran },
        { name: 'a', worker: ran },
      ],
    ],
    ['named and declared', (ran) => [namedWorker(ran, 'a'), { name: 'a', worker: ran }]],
    ['retried', (ran) => [retry(namedWorker(ran, 'a'), backoff(5)), namedWorker(ran, 'a')]],
  ])('the same name twice, %s', async (_, workers) => {
    const ran = vi.fn()
    const error = await failureOf(runAllWorkers(workers(ran)))
    expect(error).toBeInstanceOf(DuplicateNameError)
    expect(error).toMatchObject({ worker: 'a', message: expect.stringContaining("named 'a'") as string })
    expect(ran).not.toHaveBeenCalled()
  })

  test('the same name in different places is fine', async () => {
    const stop = new AbortController()
    const run = runAllWorkers(
      [
        namedWorker(namedWorker(untilAbort, 'x'), 'a'),
        namedWorker(namedWorker(untilAbort, 'x'), 'b'),
        namedWorker(untilAbort, 'x'),
      ],
      stop.signal,
    )
    stop.abort()
    await expect(run).resolves.toBeUndefined()
  })

  test('classes that happen to hold a worker and a name may hold the same one', async () => {
    class Relay {
      name = 'relay'
      worker = {}
      run = untilAbort
    }
    const stop = new AbortController()
    const run = runAllWorkers([new Relay(), new Relay()], stop.signal)
    stop.abort()
    await expect(run).resolves.toBeUndefined()
  })
})

async function sleeper(signal: AbortSignal): Promise<void> {
  while (!signal.aborted) await wait('1h', signal)
}
