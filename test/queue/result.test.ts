import { InvalidArgumentError, InvalidDurationError } from 'runutil'
import { type AwaitResultOptions, JobQueue, MemoryJobStore } from 'runutil/queue'
import { VirtualClock } from 'runutil/testing'
import { getEventListeners } from 'node:events'
import { describe, expect, it, test } from 'vitest'
import { failureOf, follow } from '../support/outcome.ts'
import { onClock } from '../support/queue/fresh-queue.ts'

/** Two queues on one store, as two processes have them; results are awaited on the virtual clock. */
async function oneJob() {
  const clock = new VirtualClock()
  const store = new MemoryJobStore({ clock })
  const queue = new JobQueue(store)
  const elsewhere = new JobQueue(store)
  await queue.enqueue({ id: '1', kind: 'a' })
  const result = (options?: AwaitResultOptions): Promise<unknown> =>
    onClock(clock, () => queue.result('1', options))
  return { clock, queue, elsewhere, result }
}

const end = (queue: JobQueue, after: object): Promise<boolean> =>
  queue.dequeue(['a'], async (job) => ({ ...job, ...after }))

describe('the result of a job', () => {
  it('that has ended is there at once', async () => {
    const { queue, result } = await oneJob()
    await end(queue, { status: 'DONE', result: { a: 1 } })
    expect(await result()).toEqual({ a: 1 })
  })

  it('that returned nothing is undefined', async () => {
    const { queue, result } = await oneJob()
    await end(queue, { status: 'DONE' })
    expect(await result()).toBeUndefined()
  })

  it('that ends in this process comes in the same moment', async () => {
    const { clock, queue, result } = await oneJob()
    const followed = follow(result())
    await clock.advance('1h')
    expect(followed.settled).toBe('no')
    await end(queue, { status: 'DONE', result: 1 })
    await clock.advance(0)
    expect(followed.settled).toBe('resolved')
    expect(clock.pending).toBe(0)
  })

  it('that ends in another process comes within half a second', async () => {
    const { clock, elsewhere, result } = await oneJob()
    const outcome = result()
    const followed = follow(outcome)
    await clock.advance('1h')
    await end(elsewhere, { status: 'DONE', result: 1 })
    await clock.advance(500)
    expect(followed.settled).toBe('resolved')
    expect(await outcome).toBe(1)
  })

  it('that is run again is that of the last attempt', async () => {
    const { clock, queue, result } = await oneJob()
    const outcome = result()
    const followed = follow(outcome)
    await clock.advance(1)
    await end(queue, { lastError: 'again', attemptsDone: 1 })
    await clock.advance('1m')
    expect(followed.settled).toBe('no')
    await end(queue, { status: 'DONE', result: 2 })
    await clock.advance(0)
    expect(await outcome).toBe(2)
  })

  test.each([
    ['FAILED', 'no disk', 'job "1" ended FAILED: no disk'],
    ['PANIC', 'panic: x', 'job "1" ended PANIC: panic: x'],
    ['FAILED', undefined, 'job "1" ended FAILED: no reason recorded'],
  ])('that ended %s with %s rejects', async (status, lastError, message) => {
    const { queue, result } = await oneJob()
    await end(queue, { status, lastError })
    const error = await failureOf(result())
    expect(error).toMatchObject({
      name: 'JobFailedError',
      code: 'ERR_JOB_FAILED',
      message,
      id: '1',
      status,
      lastError,
    })
  })

  it('that is cancelled rejects', async () => {
    const { clock, queue, result } = await oneJob()
    const failure = failureOf(result())
    await clock.advance(1)
    await queue.cancel('1')
    await clock.advance(500)
    expect(await failure).toMatchObject({ status: 'FAILED', lastError: 'cancelled' })
  })

  it('that was never there rejects', async () => {
    const { queue } = await oneJob()
    const error = await failureOf(queue.result('nobody'))
    expect(error).toMatchObject({ name: 'JobNotFoundError', code: 'ERR_JOB_NOT_FOUND', id: 'nobody' })
  })

  it('that is removed meanwhile rejects', async () => {
    const { clock, elsewhere, result } = await oneJob()
    const failure = failureOf(result())
    await clock.advance(1)
    await elsewhere.cancel('1')
    await elsewhere.prune(0)
    await clock.advance(500)
    expect(await failure).toMatchObject({ code: 'ERR_JOB_NOT_FOUND' })
  })

  it("that doesn't come in time rejects, and the job goes on", async () => {
    const { clock, queue, result } = await oneJob()
    const outcome = result({ timeout: '10s' })
    const followed = follow(outcome)
    const failure = failureOf(outcome)
    await clock.advance(9_999)
    expect(followed.settled).toBe('no')
    await clock.advance(1)
    expect(await failure).toMatchObject({
      name: 'ResultTimeoutError',
      code: 'ERR_RESULT_TIMEOUT',
      message: `job "1" hadn't ended after 10000 ms`,
    })
    expect(await queue.get('1')).toMatchObject({ status: 'PENDING' })
    expect(clock.pending).toBe(0)
  })

  it('with no time to wait rejects at once, unless it is there', async () => {
    const { queue, result } = await oneJob()
    expect(await failureOf(result({ timeout: 0 }))).toMatchObject({ code: 'ERR_RESULT_TIMEOUT' })
    await end(queue, { status: 'DONE', result: 1 })
    expect(await result({ timeout: 0 })).toBe(1)
  })

  it('is waited for until the signal aborts', async () => {
    const { clock, result } = await oneJob()
    const stop = new AbortController()
    const reason = new Error('enough')
    const failure = failureOf(result({ signal: stop.signal }))
    await clock.advance('1m')
    stop.abort(reason)
    expect(await failure).toBe(reason)
    expect(clock.pending).toBe(0)
    expect(getEventListeners(stop.signal, 'abort')).toHaveLength(0)
  })

  it("isn't waited for when the signal is aborted already", async () => {
    const { result } = await oneJob()
    const reason = new Error('enough')
    expect(await failureOf(result({ signal: AbortSignal.abort(reason) }))).toBe(reason)
  })

  it('takes its timers and listeners off when it comes', async () => {
    const { clock, queue, result } = await oneJob()
    const stop = new AbortController()
    const outcome = result({ signal: stop.signal, timeout: '1h' })
    await clock.advance(5)
    await end(queue, { status: 'DONE' })
    await clock.advance(0)
    await outcome
    expect(clock.pending).toBe(0)
    expect(getEventListeners(stop.signal, 'abort')).toHaveLength(0)
  })

  test.each<[string, object, abstract new (...args: never[]) => Error]>([
    ['a misspelt option', { timout: 5 }, InvalidArgumentError],
    ['a timeout below 0', { timeout: -1 }, InvalidDurationError],
    ['a timeout that is no duration', { timeout: 'soon' }, InvalidDurationError],
  ])('rejects %s', async (_, options, type) => {
    const { queue } = await oneJob()
    expect(await failureOf(queue.result('1', options))).toBeInstanceOf(type)
  })
})
