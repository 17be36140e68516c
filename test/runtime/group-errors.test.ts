import {
  type Runnable,
  WorkerGroupError,
  errorIs,
  namedWorker,
  repeat,
  runAllJobs,
  runAllWorkers,
} from 'runutil'
import { describe, expect, test, vi } from 'vitest'
import { failureOf, untilAbort } from '../support/outcome.ts'

describe('an error in a group', () => {
  test('that is thrown synchronously becomes a rejection, and the other workers still start', async () => {
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
    'that is %o, not an Error, is wrapped with the value as its cause',
    async (thrown) => {
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- that is the point
      const error = await failureOf<WorkerGroupError>(runAllWorkers([() => Promise.reject(thrown)]))
      expect(error.errors[0]).toBeInstanceOf(Error)
      expect(error.errors[0]).toHaveProperty('cause', thrown)
      expect(error.errors[0]).toHaveProperty('worker', '/#0')
    },
  )

  test('is always part of a WorkerGroupError with its worker, even if it is the only one', async () => {
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
  ])('that is %s is reported unchanged, and named in workers', async (_, make) => {
    const broken = make()
    const before = { ...broken }
    const error = await failureOf<WorkerGroupError>(runAllWorkers([() => Promise.reject(broken)]))
    expect(error.errors[0]).toBe(broken)
    expect({ ...broken }).toEqual(before)
    expect(error.workers).toEqual(['/#0'])
  })

  test('that two workers share is reported for both', async () => {
    const shared = new Error('the database is gone')
    const fails = (): Promise<void> => Promise.reject(shared)
    const error = await failureOf<WorkerGroupError>(
      runAllWorkers([namedWorker(fails, 'a'), namedWorker(fails, 'b')]),
    )
    expect(error.errors).toEqual([shared, shared])
    expect(error.workers).toEqual(['/a', '/b'])
  })

  test('keeps the full path of its worker in nested groups', async () => {
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
    ['its position in the list', () => {}, '/#0'],
    ["its place in the list, not its function's name", function poll() {}, '/#0'],
    [
      'its position in the list, not its class',
      new (class Poller {
        async run() {}
      })(),
      '/#0',
    ],
    [
      'its position, even if it has properties called worker and name',
      new (class Holder {
        name = 'x'
        worker = 1
        async run() {}
      })(),
      '/#0',
    ],
  ])('calls a worker by %s', async (_, worker, label) => {
    const error = await failureOf<WorkerGroupError>(runAllWorkers([worker]))
    expect(error.workers).toEqual([label])
    expect(error.errors[0]).toHaveProperty('worker', label)
  })
})

describe('a clean stop', () => {
  const named = (name: string, code: string): Error => Object.assign(new Error('canceled'), { name, code })
  const clients: [string, (signal: AbortSignal) => unknown][] = [
    ['fetch', () => new DOMException('This operation was aborted', 'AbortError')],
    ['axios', () => named('CanceledError', 'ERR_CANCELED')],
    ['got', () => named('AbortError', 'ERR_ABORTED')],
    ['a program that wraps it', () => new Error('cannot sync', { cause: named('AbortError', 'ABORT_ERR') })],
    ['a program that throws no Error', (signal) => ({ cause: signal.reason as unknown })],
    ['Promise.any', (signal) => new AggregateError([signal.reason, named('AbortError', '')], 'all failed')],
  ]
  const throwing =
    (make: (signal: AbortSignal) => unknown): Runnable =>
    async (signal) => {
      await untilAbort(signal)
      throw make(signal)
    }

  test.each(clients)('includes the error of %s after the caller has aborted', async (_, make) => {
    const stop = new AbortController()
    const run = runAllWorkers([throwing(make), untilAbort], stop.signal)
    stop.abort()
    await expect(run).resolves.toBeUndefined()
  })

  test.each(clients)('does not include the error of %s if another worker failed', async (_, make) => {
    const broken = new Error('broken')
    const run = runAllWorkers([() => Promise.reject(broken), throwing(make)], new AbortController().signal)
    expect((await failureOf<WorkerGroupError>(run)).errors).toHaveLength(2)
  })

  test.each(clients)('does not include the error of %s before an abort', async (_, make) => {
    const stop = new AbortController()
    const early = async (): Promise<never> => {
      throw make(stop.signal)
    }
    const run = runAllWorkers([early, untilAbort], stop.signal)
    const failed = failureOf<WorkerGroupError>(run)
    await new Promise((resolve) => setImmediate(resolve))
    stop.abort()
    expect((await failed).errors).toHaveLength(1)
  })

  test('includes jobs within a repeat and a group within a worker', async () => {
    const stop = new AbortController()
    const job = throwing((signal) => signal.reason) as (signal: AbortSignal) => Promise<void>
    const jobs = repeat('1h', (signal) => runAllJobs([job, job], signal), { startImmediately: true })
    const run = runAllWorkers([jobs, (signal) => runAllWorkers([job], signal)], stop.signal)
    stop.abort()
    await expect(run).resolves.toBeUndefined()
  })

  test('does not include an aggregate with a real failure, at any depth', async () => {
    const stop = new AbortController()
    const full = new Error('disk full')
    const errors = (signal: AbortSignal): unknown[] => [
      signal.reason,
      new AggregateError([signal.reason, full]),
    ]
    const run = runAllWorkers([throwing((signal) => new AggregateError(errors(signal)))], stop.signal)
    stop.abort()
    expect(errorIs(await failureOf(run), WorkerGroupError)).toBe(true)
  })
})

describe('the message of a WorkerGroupError', () => {
  test('is its root cause and the number of further errors, even of a thousand', async () => {
    const root = new Error('disk full')
    const sibling = async (signal: AbortSignal): Promise<void> => {
      await untilAbort(signal)
      throw signal.reason
    }
    const fails = namedWorker(() => Promise.reject(root), 'Fails')
    const error = await failureOf<WorkerGroupError>(
      runAllWorkers([fails, ...Array.from({ length: 1_000 }, () => sibling)]),
    )
    const lines = error.message.split('\n')
    expect(lines[0]).toBe('/Fails: disk full')
    expect(lines).toHaveLength(11)
    expect(lines.at(-1)).toBe('… and 991 more, in errors')
    expect(error.errors).toHaveLength(1_001)
  })

  test('is short even if names and messages are long', async () => {
    const long = 'x'.repeat(1_000_000)
    const workers = Array.from({ length: 20 }, (_, at) =>
      namedWorker(() => Promise.reject(new Error(long)), `${at}${long}`),
    )
    const error = await failureOf<WorkerGroupError>(runAllWorkers(workers))
    expect(error.message.length + error.stack!.length).toBeLessThan(16 * 1024)
    const early = await failureOf<WorkerGroupError>(runAllWorkers([namedWorker(async () => {}, long)]))
    expect(early.errors[0]!.stack!.length).toBeLessThan(16 * 1024)
  })
})
