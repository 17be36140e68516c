import { AsyncLocalStorage } from 'node:async_hooks'
import { runAllWorkers } from 'runutil'
import {
  type ClaimedJob,
  ErrInvalidJob,
  type JobMiddleware,
  QueueWorker,
  RetryableError,
  defineJob,
} from 'runutil/queue'
import { pino } from 'pino'
import { describe, expect, it, test, vi } from 'vitest'
import { z } from 'zod'
import { freshQueue } from '../support/queue/fresh-queue.ts'

const logger = pino({ level: 'silent' })
const sized = defineJob({
  kind: 'a',
  input: z.object({ size: z.string().transform(Number) }),
  output: z.number().max(9),
})

interface Parts {
  readonly use: readonly JobMiddleware[]
  readonly register?: (worker: QueueWorker) => void
  readonly payload?: unknown
}

/** Runs one job of kind 'a' through middleware to its end. */
async function runJob({
  use,
  register = (worker) => void worker.register('a', () => 'done'),
  payload,
}: Parts) {
  const { clock, queue, settled } = freshQueue()
  const worker = new QueueWorker(queue)
  for (const middleware of use) expect(worker.use(middleware)).toBe(worker)
  register(worker)
  await queue.enqueue({ id: '1', kind: 'a', payload: payload ?? null })
  const stop = new AbortController()
  const run = runAllWorkers([worker], stop.signal, { clock, logger })
  await settled.times(1)
  stop.abort()
  await run
  return queue.get('1')
}

describe('middleware', () => {
  it('runs around the handler in the order of use, whatever is registered before or after', async () => {
    const order: string[] = []
    const named =
      (name: string): JobMiddleware =>
      async (job, next) => {
        order.push(`${name} begins ${job.id}`)
        const result = await next()
        order.push(`${name} ends`)
        return `${name}(${String(result)})`
      }
    const job = await runJob({
      use: [named('outer'), named('inner')],
      register: (worker) =>
        worker.register('a', () => {
          order.push('handler')
          return 'done'
        }),
    })
    expect(order).toEqual(['outer begins 1', 'inner begins 1', 'handler', 'inner ends', 'outer ends'])
    expect(job).toMatchObject({ status: 'DONE', result: 'outer(inner(done))' })
  })

  it('gets the payload before, and its handler after the validation, in the stores of the middleware', async () => {
    const storage = new AsyncLocalStorage<string>()
    const seen: unknown[] = []
    await runJob({
      use: [
        (job, next) => {
          seen.push(job.payload)
          return storage.run('inside', next)
        },
      ],
      register: (worker) =>
        worker.register(sized, (job) => {
          seen.push(job.payload, storage.getStore())
          return 1
        }),
      payload: { size: '7' },
    })
    expect(seen).toEqual([{ size: '7' }, { size: 7 }, 'inside'])
  })

  it('may answer without the handler', async () => {
    const handler = vi.fn<() => number>()
    const job = await runJob({
      use: [async () => 5],
      register: (worker) => worker.register(sized, handler),
      payload: 'unread',
    })
    expect(handler).not.toHaveBeenCalled()
    expect(job).toMatchObject({ status: 'DONE', result: 5 })
  })

  it('gives the result that is validated', async () => {
    const job = await runJob({
      use: [async (_, next) => Number(await next()) * 10],
      register: (worker) => worker.register(sized, () => 5),
      payload: { size: '7' },
    })
    expect(job).toMatchObject({ status: 'PANIC' })
    expect(job?.lastError).toMatch(/^panic: result doesn't fit the schema/)
  })

  const passes: JobMiddleware = (_, next) => next()
  test.each<[string, JobMiddleware, object]>([
    ['an error', () => Promise.reject(new Error('no')), { status: 'FAILED', lastError: 'no' }],
    [
      'a TypeError, at once',
      () => {
        throw new TypeError('no')
      },
      { status: 'PANIC', lastError: 'panic: TypeError: no' },
    ],
    [
      'a RetryableError',
      () => Promise.reject(new RetryableError({ cause: 'later' })),
      { status: 'PENDING', lastError: 'retryable-error: later' },
    ],
    [
      'an error, beside a handler that it does not await',
      async (_, next) => {
        void next()
        throw new Error('mine')
      },
      { status: 'FAILED', lastError: 'mine' },
    ],
  ])("throws %s, which counts as the handler's", async (_, middleware, expected) => {
    const register = (worker: QueueWorker): void =>
      void worker.register('a', () => Promise.reject(new Error("the handler's")))
    expect(await runJob({ use: [passes, middleware], register })).toMatchObject(expected)
  })

  it('sees the error of the handler, and may turn it into a result', async () => {
    const job = await runJob({
      use: [(_, next) => next().catch((error: unknown) => `caught ${(error as Error).message}`)],
      register: (worker) =>
        worker.register('a', () => {
          throw new Error('no')
        }),
    })
    expect(job).toMatchObject({ status: 'DONE', result: 'caught no' })
  })

  it('sees a payload that fails validation as a rejection of next(), and the job is a PANIC', async () => {
    const errors: unknown[] = []
    const handler = vi.fn<(job: ClaimedJob) => number>()
    const job = await runJob({
      use: [
        (_, next) =>
          next().catch((error: unknown) => {
            errors.push(error)
            throw error
          }),
      ],
      register: (worker) => worker.register(sized, handler),
      payload: { size: 7 },
    })
    expect(handler).not.toHaveBeenCalled()
    expect(errors).toEqual([expect.any(ErrInvalidJob)])
    expect(errors[0]).toMatchObject({ name: 'ErrInvalidJob', code: 'ERR_INVALID_JOB' })
    expect(job).toMatchObject({ status: 'PANIC', attemptsDone: 1 })
    expect(job?.lastError).toMatch(/^panic: payload doesn't fit the schema: size: /)
  })

  it('is refused once the worker runs, and unless it is a function', async () => {
    const { clock, queue } = freshQueue()
    const worker = new QueueWorker(queue).register('a', () => {})
    const wrong = [undefined, {}, class {}]
    for (const one of wrong) {
      expect(() => worker.use(one as never)).toThrow('use: expected a middleware (job, next) => result; got')
    }
    const stop = new AbortController()
    const run = runAllWorkers([worker], stop.signal, { clock, logger })
    await clock.advance(10)
    expect(() => worker.use(passes)).toThrow('use: expected to be called before run')
    stop.abort()
    await run
    expect(() => worker.use(passes)).toThrow('use: expected to be called before run')
  })
})
