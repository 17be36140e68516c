import { getEventListeners } from 'node:events'
import {
  ErrWorkerExitedPrematurely,
  type Runnable,
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
import { VirtualClock } from 'runutil/testing'
import { describe, expect, test, vi } from 'vitest'
import { failureOf, follow, untilAbort } from '../support/outcome.ts'

const macrotask = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('a group of workers', () => {
  test('starts all workers synchronously', async () => {
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

  test('resolves when every worker has returned after the caller aborted', async () => {
    const stop = new AbortController()
    const run = follow(runAllWorkers([untilAbort, untilAbort], stop.signal))
    await macrotask()
    expect(run.settled).toBe('no')
    stop.abort()
    await macrotask()
    expect(run.settled).toBe('resolved')
  })

  test('aborts all others if one fails, and settles when all have ended', async () => {
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
    expect(aborted[0]).toMatchObject({ worker: '/#1', cause: broken })
    await clock.advance(99)
    expect(run.settled).toBe('no')
    await clock.advance(1)
    expect(run.error).toBeInstanceOf(WorkerGroupError)
    expect((run.error as WorkerGroupError).errors).toEqual([broken])
  })

  test('treats a premature return as an error that aborts the others, even of an only worker', async () => {
    const others = vi.fn()
    const error = await failureOf<WorkerGroupError>(
      runAllWorkers([
        async (signal) => untilAbort(signal).then(() => void others()),
        async function quits() {},
      ]),
    )
    expect(others).toHaveBeenCalledTimes(1)
    expect(error.errors).toEqual([expect.any(ErrWorkerExitedPrematurely)])
    expect(error.errors[0]).toMatchObject({ worker: '/#1', code: 'ERR_WORKER_EXITED_PREMATURELY' })
    expect(errorIs(await failureOf(runAllWorkers([() => {}])), ErrWorkerExitedPrematurely)).toBe(true)
  })

  test('does not treat a return after the exit of another worker as premature', async () => {
    const error = await failureOf<WorkerGroupError>(runAllWorkers([() => {}, () => {}, untilAbort]))
    expect(error.errors).toHaveLength(1)
    expect(error.workers).toEqual(['/#0'])
  })

  test('collects the root cause first, and then the consequences in order', async () => {
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
    expect(error.workers).toEqual(['/#2', '/#1', '/#0'])
  })

  test('rejects if a worker fails while it stops after the abort of the caller', async () => {
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

  test('accepts an AbortError as a clean stop only once its signal has aborted', async () => {
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
    await expect(late).resolves.toBeUndefined()
  })

  test.each<[string, (signal: AbortSignal) => unknown]>([
    ["the signal's reason", (signal): unknown => signal.reason],
    ['an error caused by it', (signal) => new Error('wrapped', { cause: signal.reason })],
  ])('accepts %s, thrown after the abort, as a clean stop', async (_, thrown) => {
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

  test("collects the abort's reason thrown by a worker if another worker caused the abort", async () => {
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
    expect(error.workers).toEqual(['/#1', '/#0'])
  })

  test('passes each worker a signal that aborts with the reason of the caller', async () => {
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

  test('resolves immediately without workers, with any signal', async () => {
    await expect(runAllWorkers([])).resolves.toBeUndefined()
    await expect(runAllWorkers(new Set<Runnable>(), AbortSignal.abort())).resolves.toBeUndefined()
    await expect(runAllJobs([])).resolves.toBeUndefined()
  })

  test('starts no worker if the signal has aborted, and resolves', async () => {
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

  test('starts no further worker after one has aborted the signal of the caller', async () => {
    const stop = new AbortController()
    const later = vi.fn()
    await runAllWorkers([() => stop.abort(), later], stop.signal)
    expect(later).not.toHaveBeenCalled()
  })

  test('accepts any iterable of workers, and iterates it once', async () => {
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

  test('keeps the process alive while it runs, and no longer', async () => {
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

  test('prints no warning with 10,000 workers on one signal', async () => {
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

  test('accepts a signal that already has listeners, and does not disturb those', async () => {
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

describe('two runs', () => {
  test('that are concurrent end independently', async () => {
    const one = new AbortController()
    const two = new AbortController()
    const first = follow(runAllWorkers([untilAbort], one.signal))
    const second = follow(runAllWorkers([untilAbort], two.signal))
    one.abort()
    await macrotask()
    expect([first.settled, second.settled]).toEqual(['resolved', 'no'])
    two.abort()
    await macrotask()
    expect(second.settled).toBe('resolved')
  })

  test('that are nested share name and clock', async () => {
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

async function sleeper(signal: AbortSignal): Promise<void> {
  while (!signal.aborted) await wait('1h', signal)
}
