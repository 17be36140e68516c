import { getEventListeners } from 'node:events'
import { describe, expect, it } from 'vitest'
import {
  ErrWorkerExitedPrematurely,
  ShutdownTimeoutError,
  SiblingExitedError,
  WorkerGroupError,
  currentName,
  errorIs,
  namedWorker,
  namedWorkerFromType,
  runAllJobs,
  runAllWorkers,
  wait,
} from 'runutil'
import { Probe, VirtualClock } from 'runutil/testing'

const untilAborted = (signal: AbortSignal): Promise<void> => wait('30d', signal)

async function failureOf(run: Promise<void>): Promise<WorkerGroupError> {
  const error: unknown = await run.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(WorkerGroupError)
  return error as WorkerGroupError
}

describe('runAllWorkers', () => {
  it('resolves at once without workers', async () => {
    await runAllWorkers([])
    await runAllWorkers(new Set())
  })

  it('takes functions, objects with run and declarative workers from any iterable', async () => {
    const ran: string[] = []
    const controller = new AbortController()
    function* workers() {
      yield (signal: AbortSignal) => (ran.push('function'), untilAborted(signal))
      yield { run: (signal: AbortSignal) => (ran.push('object'), untilAborted(signal)) }
      yield { name: 'w', worker: (signal: AbortSignal) => (ran.push('declarative'), untilAborted(signal)) }
    }
    const run = runAllWorkers(workers(), controller.signal)
    expect(ran).toEqual(['function', 'object', 'declarative'])
    controller.abort()
    await run
  })

  it('aborts all others when the first one throws, for a typed reason, and awaits them', async () => {
    const boom = new Error('boom')
    const seen: unknown[] = []
    const other = async (signal: AbortSignal): Promise<void> => {
      await untilAborted(signal)
      seen.push(signal.reason)
      await wait(20)
      seen.push('ended')
    }
    const clock = new VirtualClock({ auto: true })
    const error = await failureOf(
      runAllWorkers([other, { name: 'bad', worker: () => Promise.reject(boom) }], undefined, { clock }),
    )
    expect(error.errors).toEqual([boom])
    expect(error.errors[0]).toBe(boom)
    expect(seen).toEqual([expect.any(SiblingExitedError), 'ended'])
    expect(seen[0]).toMatchObject({ worker: '/bad', cause: boom })
  })

  it('takes a synchronous throw for a rejection, and still starts the workers after it', async () => {
    let started = false
    const error = await failureOf(
      runAllWorkers([
        () => {
          throw new Error('at once')
        },
        (signal) => ((started = true), untilAborted(signal)),
      ]),
    )
    expect(error.errors.map(({ message }) => message)).toEqual(['at once'])
    expect(started).toBe(true)
  })

  it('calls a return before the abort premature, and names the worker', async () => {
    const error = await failureOf(runAllWorkers([{ name: 'short', worker: async () => {} }, untilAborted]))
    expect(error.errors).toHaveLength(1)
    expect(error.errors[0]).toBeInstanceOf(ErrWorkerExitedPrematurely)
    expect(error.errors[0]).toMatchObject({ worker: '/short', code: 'ERR_WORKER_EXITED_PREMATURELY' })
    expect(errorIs(error, ErrWorkerExitedPrematurely)).toBe(true)
  })

  it("decides by the signal, not by an error's name, what was asked for", async () => {
    const abortError = new DOMException('some other abort', 'AbortError')
    const error = await failureOf(runAllWorkers([() => Promise.reject(abortError), untilAborted]))
    expect(error.errors).toEqual([abortError])
  })

  it('resolves when the caller aborted and every worker returned', async () => {
    const controller = new AbortController()
    const run = runAllWorkers([untilAborted, untilAborted], controller.signal)
    controller.abort()
    await run
    expect(getEventListeners(controller.signal, 'abort')).toEqual([])
  })

  it("takes a throw of the caller's own reason for a return, but no other error after the abort", async () => {
    const reason = new Error('deploy')
    const throwsReason = async (signal: AbortSignal): Promise<void> => {
      await untilAborted(signal)
      signal.throwIfAborted()
    }
    const clean = new AbortController()
    const run = runAllWorkers([throwsReason], clean.signal)
    clean.abort(reason)
    await run

    const failing = new AbortController()
    const failed = runAllWorkers(
      [throwsReason, (signal) => untilAborted(signal).then(() => Promise.reject(new Error('cleanup')))],
      failing.signal,
    )
    failing.abort(reason)
    expect((await failureOf(failed)).errors.map(({ message }) => message)).toEqual(['cleanup'])
  })

  it('lists the root cause first and what followed from it after', async () => {
    const clock = new VirtualClock({ auto: true })
    const late = (name: string, ms: number) => ({
      name,
      worker: async (signal: AbortSignal) => {
        await untilAborted(signal)
        await wait(ms)
        throw new Error(name)
      },
    })
    const root = { name: 'root', worker: () => wait(5).then(() => Promise.reject(new Error('root'))) }
    const error = await failureOf(
      runAllWorkers([late('third', 20), late('second', 10), root], undefined, { clock }),
    )
    expect(error.errors.map(({ message }) => message)).toEqual(['root', 'second', 'third'])
    expect(error.workers).toEqual(['/root', '/second', '/third'])
  })

  it.each([
    ['a string', 'text'],
    ['undefined', undefined],
    ['null', null],
    ['an object', { code: 7 }],
  ])('wraps %s that is thrown, and keeps it as cause', async (_, thrown) => {
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- that is what is tested
    const error = await failureOf(runAllWorkers([{ name: 'w', worker: () => Promise.reject(thrown) }]))
    expect(error.errors[0]).toBeInstanceOf(Error)
    expect(error.errors[0]!.cause).toBe(thrown)
  })

  it('lets each error know its worker, even a frozen one through the group', async () => {
    const frozen = Object.freeze(new Error('frozen'))
    const open = new Error('open')
    const both = await failureOf(
      runAllWorkers([
        { name: 'a', worker: () => Promise.reject(frozen) },
        { name: 'b', worker: (signal) => untilAborted(signal).then(() => Promise.reject(open)) },
      ]),
    )
    expect(both.workers).toEqual(['/a', '/b'])
    expect((open as { worker?: string }).worker).toBe('/b')
    expect(Object.keys(open)).toEqual([])
  })

  it('starts nothing when the signal is aborted already', async () => {
    let started = 0
    await runAllWorkers([async () => void started++, async () => void started++], AbortSignal.abort())
    expect(started).toBe(0)
  })

  it('starts no further worker when one aborts the caller while they start', async () => {
    const controller = new AbortController()
    let started = 0
    const worker = async (): Promise<void> => {
      started++
      controller.abort()
    }
    await runAllWorkers([worker, worker], controller.signal)
    expect(started).toBe(1)
  })

  it('names the workers that outlast the grace period, and no longer waits for them', async () => {
    const clock = new VirtualClock()
    const controller = new AbortController()
    const stubborn = { name: 'stubborn', worker: () => new Promise<void>(() => {}) }
    const run = failureOf(runAllWorkers([stubborn, untilAborted], controller.signal, { clock, grace: '5s' }))
    controller.abort()
    await clock.advance('4999ms')
    await clock.advance('1ms')
    const error = await run
    expect(error.errors).toHaveLength(1)
    expect(error.errors[0]).toBeInstanceOf(ShutdownTimeoutError)
    expect(error.errors[0]).toMatchObject({ workers: ['/stubborn'], graceMs: 5_000 })
  })

  it('knows no limit without grace', async () => {
    const clock = new VirtualClock()
    const controller = new AbortController()
    const ended = new Probe()
    const slow = (signal: AbortSignal): Promise<void> => untilAborted(signal).then(() => wait('20d'))
    const run = runAllWorkers([slow], controller.signal, { clock }).then(() => ended.hit())
    controller.abort()
    await clock.advance('19d')
    expect(ended.count).toBe(0)
    await clock.advance('1d')
    await run
  })

  it('nests names, errors and the clock of a group within a group', async () => {
    const clock = new VirtualClock({ auto: true })
    const names: string[] = []
    const inner = namedWorker(async () => {
      names.push(currentName())
      await wait('3h')
      throw new Error('inner')
    }, 'Inner')
    const error = await failureOf(
      runAllWorkers([namedWorker((signal) => runAllWorkers([inner], signal), 'Outer')], undefined, { clock }),
    )
    expect(names).toEqual(['/Outer/Inner'])
    expect(error.workers).toEqual(['/Outer'])
    expect((error.errors[0] as WorkerGroupError).workers).toEqual(['/Outer/Inner'])
    expect(currentName()).toBe('')
  })

  it('names a worker after a class or an instance of it', async () => {
    class Fetcher {}
    const names: string[] = []
    const note = (signal: AbortSignal): Promise<void> => (names.push(currentName()), untilAborted(signal))
    const controller = new AbortController()
    const run = runAllWorkers(
      [
        namedWorkerFromType({ name: 'A', worker: note }, Fetcher),
        namedWorkerFromType({ name: 'B', worker: note }, new Fetcher()),
      ],
      controller.signal,
    )
    controller.abort()
    await run
    expect(names).toEqual(['/Fetcher/A', '/Fetcher/B'])
    expect(() => namedWorkerFromType(note, class {})).toThrow(/expected a class with a name/)
  })
})

describe('runAllJobs', () => {
  it('runs all in parallel, cancels none when one fails, and tells of all that failed', async () => {
    const clock = new VirtualClock({ auto: true })
    const done: string[] = []
    const job = (name: string, ms: number, fails: boolean) => async (signal: AbortSignal) => {
      await wait(ms, signal)
      done.push(`${name} ${clock.elapsed()} ${signal.aborted}`)
      if (fails) throw new Error(name)
    }
    const jobs = [job('a', 30, true), { runOnce: job('b', 20, false) }, job('c', 10, true)]
    const error = await failureOf(runAllJobs(jobs, undefined, { clock }))
    expect(done).toEqual(['c 10 false', 'b 20 false', 'a 30 false'])
    expect(error.errors.map(({ message }) => message)).toEqual(['c', 'a'])
  })

  it('resolves when all succeeded, and without any', async () => {
    await runAllJobs([() => {}, async () => {}])
    await runAllJobs([])
  })

  it('starts none with an aborted signal, and says so of each', async () => {
    const reason = new Error('too late')
    let started = 0
    const job = () => void started++
    const error = await failureOf(runAllJobs([job, job], AbortSignal.abort(reason)))
    expect(started).toBe(0)
    expect(error.errors).toEqual([reason, reason])
  })
})
