import assert from 'node:assert'
import { currentName, namedWorker, runAllWorkers } from 'runutil'
import { type ClaimedJob, DeadlineExceededError, type JobHandler, RetryableError } from 'runutil/queue'
import { describe, expect, it, test, vi } from 'vitest'
import { capturedLogger } from '../support/logs.ts'
import { freshWorker } from '../support/queue/fresh-worker.ts'
import { ScriptedHandler } from '../support/queue/scripted-handler.ts'

const ids = (length: number): string[] => Array.from({ length }, (_, at) => `${at + 1}`)

describe('jobs', () => {
  it('run one after the other, in their order', async () => {
    const script = new ScriptedHandler()
    const { enqueue, run, queue, settled } = freshWorker(script.handle)
    await queue.enqueue({ id: 'first', kind: 'a', priority: 1 })
    await enqueue(...ids(3))
    const { stop } = await run()
    for (const [at, id] of ['first', ...ids(3)].entries()) {
      const call = await script.call(id)
      expect(script.calls.count).toBe(at + 1)
      call.return(id)
      await settled.times(at + 1)
      expect(await queue.get(id)).toMatchObject({ status: 'DONE', result: id })
    }
    expect(script.ids).toEqual(['first', ...ids(3)])
    await stop()
  })

  it('run as many at once as its concurrency', async () => {
    const script = new ScriptedHandler()
    const { clock, enqueue, run } = freshWorker(script.handle, { concurrency: 3 })
    await enqueue(...ids(5))
    const { stop } = await run()
    expect(script.ids).toEqual(['1', '2', '3'])
    ;(await script.call('2')).return()
    await clock.advance(0)
    expect(script.ids).toEqual(['1', '2', '3', '4'])
    for (const { return: end } of script.calls.values) end()
    ;(await script.call('5')).return()
    await stop()
    expect(script.ids).toEqual(ids(5))
  })

  it('start in the moment in which they are enqueued', async () => {
    const script = new ScriptedHandler()
    const { clock, enqueue, run } = freshWorker(script.handle, { concurrency: 2, pollInterval: '1h' })
    const { stop } = await run()
    await clock.advance('10s')
    await enqueue('1')
    await enqueue('2')
    expect(script.ids).toEqual(['1', '2'])
    for (const call of script.calls.values) call.return()
    await stop()
  })

  it('start within the poll interval of their time', async () => {
    const starts: number[] = []
    const { clock, queue, run } = freshWorker(() => void starts.push(clock.elapsed()))
    await queue.enqueue({ id: '1', kind: 'a', runAt: new Date(clock.now() + 10_500) })
    const { stop } = await run()
    await clock.advance('1m')
    expect(starts).toEqual([expect.toSatisfy((at: number) => at >= 10_500 && at <= 11_500)])
    await stop()
  })

  it('of kinds that it has no handler for are left', async () => {
    const handler = vi.fn()
    const { clock, queue, run } = freshWorker(handler)
    await queue.enqueue({ id: '1', kind: 'b' })
    const { stop } = await run()
    await clock.advance('1m')
    expect(handler).not.toHaveBeenCalled()
    await stop()
  })

  it('are handed over as they are stored, with the claim', async () => {
    const handler = vi.fn<JobHandler>()
    const { queue, run } = freshWorker(handler)
    await queue.enqueue({ id: '1', kind: 'a', payload: { x: [1] }, priority: 2, key: 'k' })
    const before = await queue.get('1')
    const { stop } = await run()
    await stop()
    expect(handler.mock.calls[0]![0]).toEqual({
      ...before,
      claim: 1,
      attempt: 1,
      isLastAttempt: true,
      priority: 2,
      key: 'k',
      crashes: 0,
      dependencies: expect.any(Function) as unknown,
    })
  })
})

describe('an attempt', () => {
  const thenable = { then: (resolve: (value: number) => void) => void resolve(5) }

  test.each<[string, JobHandler, object]>([
    ['that resolves is DONE', async () => ({ a: 1 }), { status: 'DONE', result: { a: 1 } }],
    ['that returns is DONE', () => 'x', { status: 'DONE', result: 'x' }],
    ['that returns null is DONE', () => null, { status: 'DONE', result: null }],
    ['that returns nothing is DONE', () => {}, { status: 'DONE' }],
    ['that returns what can be awaited is DONE', () => thenable, { status: 'DONE', result: 5 }],
    ['that rejects is FAILED', () => Promise.reject(new Error('no')), { status: 'FAILED', lastError: 'no' }],
    ['that throws is FAILED', () => raise(new Error('no')), { status: 'FAILED', lastError: 'no' }],
    [
      'with a TypeError is PANIC',
      () => raise(new TypeError('x')),
      { status: 'PANIC', lastError: 'panic: TypeError: x' },
    ],
    [
      'with an assertion is PANIC',
      async () => assert.fail('x'),
      { status: 'PANIC', lastError: 'panic: AssertionError: x' },
    ],
    [
      'that throws a text is PANIC',
      () => raise('x'),
      { status: 'PANIC', lastError: 'panic: a non-Error was thrown: "x"' },
    ],
    ['that returns no JSON is PANIC', () => 1n, { status: 'PANIC' }],
  ])('%s', async (_, handler, stored) => {
    const { clock, enqueue, run, queue, events } = freshWorker(handler)
    await enqueue('1')
    const { stop } = await run()
    await clock.advance('1m')
    const job = await queue.get('1')
    expect(job).toMatchObject({ ...stored, attemptsDone: 1, lastAttemptAt: job!.createdAt })
    expect(job).not.toHaveProperty('status' in stored && stored.status === 'DONE' ? 'lastError' : 'result')
    expect(events).toEqual(['enqueued 1', 'claimed 1', `settled 1 ${job!.status}`])
    await stop()
  })

  test.each([
    ['5 s at least', 10, 5_000],
    ['as long as it asks for', '1m', 60_000],
  ])('that is to be retried waits for %s', async (_, retryAfter, waitsMs) => {
    const starts: number[] = []
    const handler = (job: ClaimedJob): string => {
      starts.push(clock.elapsed())
      if (job.attemptsDone < 2) throw new RetryableError({ cause: new Error('busy'), retryAfter })
      return 'at last'
    }
    const { clock, enqueue, run, queue } = freshWorker(handler, { pollInterval: 100 })
    await enqueue('1')
    const { stop } = await run()
    const { createdAt } = (await queue.get('1'))!
    expect(await queue.get('1')).toMatchObject({
      status: 'PENDING',
      attemptsDone: 1,
      lastError: 'retryable-error: busy',
      runAt: new Date(createdAt.getTime() + waitsMs),
    })
    await clock.advance(3 * waitsMs)
    expect(starts).toHaveLength(3)
    for (const [at, start] of starts.entries()) {
      expect(start - at * waitsMs).toBeGreaterThanOrEqual(0)
      expect(start - at * waitsMs).toBeLessThanOrEqual(200)
    }
    expect(await queue.get('1')).toMatchObject({ status: 'DONE', result: 'at last', attemptsDone: 3 })
    await stop()
  })

  it('beyond its deadline is FAILED, its signal aborts, and the next job starts', async () => {
    const script = new ScriptedHandler()
    const { clock, enqueue, run, queue } = freshWorker(script.handle, { limits: { deadline: '2s' } })
    await enqueue('1', '2')
    const { stop } = await run()
    const first = await script.call('1')
    await clock.advance(1_999)
    expect(first.signal.aborted).toBe(false)
    await clock.advance(1)
    expect(first.signal.reason).toBeInstanceOf(DeadlineExceededError)
    await clock.advance(999)
    expect(await queue.get('1')).toMatchObject({ status: 'PENDING' })
    await clock.advance(1)
    expect(await queue.get('1')).toMatchObject({
      status: 'FAILED',
      lastError: 'the deadline of 2000 ms was exceeded',
    })
    const second = await script.call('2')
    first.return('late')
    second.return('in time')
    await clock.advance(0)
    expect(await queue.get('1')).toMatchObject({ status: 'FAILED', attemptsDone: 1 })
    expect(await queue.get('2')).toMatchObject({ status: 'DONE', result: 'in time' })
    await clock.advance('1m')
    expect(second.signal.aborted).toBe(false)
    await stop()
  })

  it("isn't made when the job's process died too often: that is PANIC", async () => {
    const handler = vi.fn()
    const { clock, enqueue, run, queue, lines } = freshWorker(handler, { maxCrashes: 2 })
    await enqueue('1', '2')
    for (let crash = 0; crash < 3; crash++) {
      await queue.store.claim(['a'], crash < 2 ? 2 : 1, 1)
      await clock.advance(5)
    }
    const { stop } = await run()
    const lastError = 'panic: its process died, or lost its lease, 3 times while it held this job'
    expect(await queue.get('1')).toMatchObject({ status: 'PANIC', lastError })
    expect(await queue.get('2')).toMatchObject({ status: 'DONE' })
    expect(handler).toHaveBeenCalledTimes(1)
    expect(lines).toMatchObject([{ msg: 'job panicked', lastError, job: '1', kind: 'a', attempt: 1 }])
    await stop()
  })

  it('logs what goes wrong, and runs in the context of its worker', async () => {
    const names: string[] = []
    const { clock, queue, worker } = freshWorker(() => raise(new Error(names.push(currentName()) + '')))
    const { logger, lines } = capturedLogger()
    await queue.enqueue([
      { id: '1', kind: 'a' },
      { id: '2', kind: 'a' },
    ])
    const stop = new AbortController()
    const run = runAllWorkers([namedWorker(worker, 'Mail')], stop.signal, { clock, logger })
    await clock.advance(0)
    stop.abort()
    await run
    expect(names).toEqual(['/Mail', '/Mail'])
    expect(lines).toMatchObject([
      { level: 40, msg: 'job failed', worker: '/Mail', job: '1', lastError: '1', err: { message: '1' } },
      { level: 40, msg: 'job failed', worker: '/Mail', job: '2', lastError: '2', err: { message: '2' } },
    ])
  })
})

describe('claims', () => {
  it('come no more often than each 100 ms when idle, however short the poll interval', async () => {
    const { clock, run, store } = freshWorker(() => {}, { pollInterval: 1 })
    const { stop } = await run()
    await clock.advance('10s')
    expect(store.calls('claim').length).toBeGreaterThan(90)
    expect(store.calls('claim').length).toBeLessThanOrEqual(101)
    await stop()
  })

  it('take no more jobs than can start, until the first has ended', async () => {
    const script = new ScriptedHandler()
    const { enqueue, run, queue, store } = freshWorker(script.handle, { concurrency: 2 })
    await enqueue(...ids(100))
    const { stop } = await run()
    expect(store.calls('claim').map(([, limit]) => limit)).toEqual([2])
    expect(await queue.counts()).toMatchObject({ a: { PENDING: 98, RUNNING: 2 } })
    for (const call of script.calls.values) call.throw(new Error('no'))
    await script.calls.times(3)
    for (const call of script.calls.values) call.return()
    await stop()
  })

  it('take many at once while jobs are short', async () => {
    const { enqueue, run, settled, store } = freshWorker(() => {}, { concurrency: 10 })
    await enqueue(...ids(2_000))
    const { stop } = await run()
    await settled.times(2_000)
    expect(store.calls('claim').length).toBeLessThan(40)
    expect(store.calls('settle').length).toBeLessThan(100)
    await stop()
  })

  it('take only what can start without prefetch', async () => {
    const { enqueue, run, settled, store } = freshWorker(() => {}, { concurrency: 10, prefetch: 0 })
    await enqueue(...ids(200))
    const { stop } = await run()
    await settled.times(200)
    expect(Math.max(...store.calls('claim').map(([, limit]) => limit))).toBe(10)
    await stop()
  })

  it('take only what can start while jobs are long', async () => {
    const script = new ScriptedHandler()
    const { clock, enqueue, run, store } = freshWorker(script.handle)
    await enqueue(...ids(20))
    const { stop } = await run()
    for (const id of ids(5)) {
      const call = await script.call(id)
      await clock.advance('1m')
      call.return()
    }
    const last = await script.call('6')
    expect(Math.max(...store.calls('claim').map(([, limit]) => limit))).toBe(1)
    last.return()
    await script.call('7').then((call) => call.return())
    const stopped = stop()
    for (const call of script.calls.values) call.return()
    await stopped
  })
})

it('ended jobs are removed when their retention is over', async () => {
  const { clock, enqueue, run, queue } = freshWorker(() => {}, { retention: '1h' })
  await enqueue('1')
  await queue.enqueue({ id: 'later', kind: 'a', runAt: new Date(clock.now() + 7_200_000) })
  const { stop } = await run()
  await clock.advance('59m')
  expect(await queue.get('1')).toBeDefined()
  await clock.advance('3m')
  expect(await queue.get('1')).toBeUndefined()
  expect(await queue.get('later')).toBeDefined()
  await stop()
})

function raise(error: unknown): never {
  throw error
}
