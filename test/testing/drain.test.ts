import { StaticBackoff, currentLogger, reportProgress, wait } from 'runutil'
import { PostgresJobStore, migrate, openDatabase } from 'runutil/postgres'
import {
  type ClaimedJob,
  ErrInvalidJob,
  JobQueue,
  MemoryJobStore,
  QueueWorker,
  RetryableError,
  defineJob,
} from 'runutil/queue'
import { VirtualClock, drain, enqueued } from 'runutil/testing'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { freshQueue } from '../support/queue/fresh-queue.ts'
import { PickyStore } from '../support/queue/picky-store.ts'

function fresh(options = {}) {
  const { clock, queue, events } = freshQueue()
  return { clock, queue, events, worker: new QueueWorker(queue, options) }
}

describe('drain', () => {
  it('runs what is due in the order of claims, and resolves with the outcome of each attempt', async () => {
    const { clock, queue, worker, events } = fresh()
    const broken = new Error('no')
    worker
      .register('a', ({ payload }) => ({ got: payload, at: new Date(clock.now()) }))
      .register('b', () => Promise.reject(broken))
    await queue.enqueue([
      { id: '1', kind: 'a', payload: 7 },
      { id: '2', kind: 'b' },
      { id: '3', kind: 'a', priority: 1 },
      { id: '4', kind: 'a', delay: '1s' },
      { id: '5', kind: 'other' },
    ])
    const at = '2000-01-01T00:00:00.000Z'
    expect(await drain(queue, worker, { clock })).toEqual([
      { id: '3', kind: 'a', attempt: 1, status: 'DONE', result: { got: null, at } },
      { id: '1', kind: 'a', attempt: 1, status: 'DONE', result: { got: 7, at } },
      { id: '2', kind: 'b', attempt: 1, status: 'FAILED', error: broken, lastError: 'no' },
    ])
    expect(events.filter((event) => event.startsWith('settled'))).toEqual([
      'settled 3 DONE',
      'settled 1 DONE',
      'settled 2 FAILED',
    ])
    expect(await queue.get('1')).toMatchObject({ status: 'DONE', attemptsDone: 1, result: { got: 7, at } })
    expect(await queue.get('5')).toMatchObject({ status: 'PENDING', attemptsDone: 0 })
    expect(await drain(queue, worker, { clock })).toEqual([])
    expect(clock.pending).toBe(0)
  })

  it('runs what handlers enqueue meanwhile, however much that is', async () => {
    const { clock, queue, worker } = fresh()
    worker.register('countdown', async ({ payload }) => {
      const left = Number(payload) - 1
      if (left > 0) await queue.enqueue({ kind: 'countdown', payload: left })
      return left
    })
    await queue.enqueue({ kind: 'countdown', payload: 100 })
    const outcomes = await drain(queue, worker, { clock })
    expect(outcomes.map(({ result }) => result)).toEqual(Array.from({ length: 100 }, (_, at) => 99 - at))
  })

  it('runs jobs after others, with their results, and ends those whose dependency failed', async () => {
    const { clock, queue, worker } = fresh()
    worker
      .register('half', ({ payload }) => Number(payload) / 2)
      .register('sum', async ({ dependencies }) => Object.entries(await dependencies()))
      .register('fail', () => Promise.reject(new Error('no')))
    await queue.enqueue([
      { id: 'sum', kind: 'sum', after: ['a', 'b'] },
      { id: 'a', kind: 'half', payload: 2 },
      { id: 'b', kind: 'half', payload: 4 },
      { id: 'never', kind: 'half', after: 'c' },
      { id: 'c', kind: 'fail' },
    ])
    expect((await enqueued(queue)).map(({ id }) => id)).toEqual(['sum', 'a', 'b', 'never', 'c'])
    const outcomes = await drain(queue, worker, { clock })
    expect(outcomes.map(({ id, status }) => `${id} ${status}`).sort()).toEqual([
      'a DONE',
      'b DONE',
      'c FAILED',
      'sum DONE',
    ])
    expect(outcomes.find(({ id }) => id === 'sum')?.result).toEqual(
      expect.arrayContaining([
        ['a', 1],
        ['b', 2],
      ]),
    )
    expect(await queue.get('never')).toMatchObject({ status: 'FAILED', lastError: 'dependency c failed' })
    expect(await enqueued(queue)).toEqual([])
  })

  it('leaves a retry for later, and runs it once the clock is there or an operator asks for it', async () => {
    const { clock, queue, worker } = fresh()
    const seen: [number, boolean][] = []
    const handler = ({ attempt, isLastAttempt }: ClaimedJob): string => {
      seen.push([attempt, isLastAttempt])
      if (attempt < 3) throw new Error(`failure ${attempt}`)
      return 'at last'
    }
    worker.register('a', handler, { attempts: 3, backoff: new StaticBackoff('1m') })
    await queue.enqueue({ id: '1', kind: 'a' })
    const one = await drain(queue, worker, { clock })
    expect(one).toMatchObject([
      { attempt: 1, status: 'PENDING', lastError: 'failure 1', retryAfterMs: 60_000 },
    ])
    await clock.advance('59s')
    expect(await drain(queue, worker, { clock })).toEqual([])
    await clock.advance('1s')
    expect(await drain(queue, worker, { clock })).toMatchObject([{ attempt: 2, status: 'PENDING' }])
    await queue.retryNow('1')
    expect(await drain(queue, worker, { clock })).toEqual([
      { id: '1', kind: 'a', attempt: 3, status: 'DONE', result: 'at last' },
    ])
    expect(seen).toEqual([
      [1, false],
      [2, false],
      [3, true],
    ])
    expect(await queue.get('1')).toMatchObject({ attemptsDone: 3, errors: [{ attempt: 1 }, { attempt: 2 }] })
  })

  it('has middleware, validation, progress, a logger and a deadline, as a run has', async () => {
    const { clock, queue, worker, events } = fresh()
    const sized = defineJob({
      kind: 'sized',
      input: z.object({ size: z.number() }),
      output: z.number().max(9),
    })
    const order: string[] = []
    worker
      .use(async (job, next) => {
        order.push(job.kind)
        return next()
      })
      .register(sized, ({ payload }) => payload.size)
      .register('slow', (_, signal) => wait('1h', signal).then(() => signal.throwIfAborted()), {
        deadline: '1m',
      })
      .register('busy', () => {
        currentLogger().debug('busy')
        reportProgress(3, 5, 'rows')
      })
    await queue.enqueue([
      { id: '1', kind: 'sized', payload: { size: 'x' } },
      { id: '2', kind: 'sized', payload: { size: 10 } },
      { id: '3', kind: 'busy' },
      { id: '4', kind: 'slow' },
    ])
    const draining = drain(queue, worker, { clock })
    await clock.advance('1m')
    const [wrong, large, busy, slow] = await draining
    expect(order).toEqual(['sized', 'sized', 'busy', 'slow'])
    expect(wrong).toMatchObject({
      status: 'PANIC',
      lastError: expect.stringMatching(/^panic: payload doesn't fit the schema: size/) as string,
    })
    expect(wrong?.error).toBeInstanceOf(ErrInvalidJob)
    expect(large).toMatchObject({
      status: 'PANIC',
      error: { message: expect.stringMatching(/^result doesn't fit the schema/) as string },
    })
    expect(busy).toMatchObject({ status: 'DONE', progress: { done: 3, total: 5, note: 'rows' } })
    expect(slow).toMatchObject({ status: 'FAILED', error: { code: 'ERR_DEADLINE_EXCEEDED' } })
    expect(events).toContain('progress 3')
    expect(clock.pending).toBe(0)
  })

  it('decodes payloads and results', async () => {
    const store = new MemoryJobStore()
    const codec = {
      encode: (value: unknown) => ({ in: value }),
      decode: (value: unknown) => (value as { in: unknown }).in,
    }
    const queue = new JobQueue(store, { codec })
    const worker = new QueueWorker(queue).register('a', ({ payload }) => [payload])
    await queue.enqueue({ id: '1', kind: 'a', payload: 7 })
    expect(await drain(queue, worker)).toMatchObject([{ status: 'DONE', result: [7] }])
    expect(await store.get('1')).toMatchObject({ payload: { in: 7 }, result: { in: [7] } })
  })

  it('says what became of a job that was cancelled, or whose outcome the store refused, while it ran', async () => {
    const { clock, queue, worker } = fresh()
    worker.register('a', ({ id }) => queue.cancel(id))
    await queue.enqueue({ id: '1', kind: 'a' })
    expect(await drain(queue, worker, { clock })).toMatchObject([
      { id: '1', status: 'FAILED', lastError: 'cancelled', error: { message: 'cancelled' } },
    ])
    const picky = new JobQueue(
      new PickyStore(new MemoryJobStore(), ({ outcome }) =>
        outcome.status === 'DONE' ? new Error('cannot hold it') : undefined,
      ).store,
    )
    const other = new QueueWorker(picky).register('a', () => 'refused')
    await picky.enqueue({ id: '2', kind: 'a' })
    expect(await drain(picky, other)).toMatchObject([
      { id: '2', status: 'PANIC', error: { message: 'cannot hold it' } },
    ])
  })

  it('ends a job whose process died too often, without its handler', async () => {
    const { clock, queue, worker } = fresh({ maxCrashes: 0 })
    worker.register('a', () => 'never')
    await queue.enqueue({ id: '1', kind: 'a' })
    const elsewhere = new JobQueue(queue.store)
    await elsewhere.store.claim(['a'], 1, '1s', { holder: 1 })
    await clock.advance('1m')
    const [outcome] = await drain(queue, worker, { clock })
    expect(outcome).toMatchObject({
      status: 'PANIC',
      lastError: expect.stringMatching(/^panic: its process died/) as string,
    })
  })

  it('refuses what is no queue, no worker, no clock, and an unknown option', async () => {
    const { queue, worker } = fresh()
    await expect(drain(queue, worker)).rejects.toThrow('drain: expected the worker to have a kind')
    worker.register('a', () => {})
    for (const [args, message] of [
      [[{}, worker], 'drain: expected a JobQueue; got'],
      [[queue, {}], 'drain: expected a QueueWorker; got'],
      [[queue, worker, { clock: {} }], 'drain: clock: expected a Clock, such as new VirtualClock(); got'],
      [[queue, worker, { clok: 1 }], "drain: unknown option 'clok'; did you mean 'clock'?"],
    ] as const) {
      await expect(drain(...(args as unknown as Parameters<typeof drain>))).rejects.toThrow(message)
    }
  })

  it('works on a database, in whose transactions handlers complete their jobs', async () => {
    const database = await openDatabase('memory:')
    await migrate(database)
    const clock = new VirtualClock({ now: Date.UTC(2026, 0) })
    const queue = new JobQueue(new PostgresJobStore(database, { clock }))
    const worker = new QueueWorker(queue)
    worker
      .register('a', async (job) => {
        await database.transaction((tx) => queue.complete(job, 'in it', { tx }))
        return 'ignored'
      })
      .register('b', ({ attempt }) => {
        if (attempt === 1) throw new RetryableError({ cause: 'later', retryAfter: '1h' })
      })
    await queue.enqueue([
      { id: '1', kind: 'a' },
      { id: '2', kind: 'b' },
    ])
    expect(await drain(queue, worker, { clock })).toMatchObject([
      { id: '1', status: 'DONE', result: 'in it' },
      { id: '2', status: 'PENDING', retryAfterMs: 3_600_000 },
    ])
    await clock.advance('1h')
    expect(await drain(queue, worker, { clock })).toMatchObject([{ id: '2', attempt: 2, status: 'DONE' }])
    await database.close()
  })
})
