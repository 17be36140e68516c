import { InvalidArgumentError, backoff } from 'runutil'
import {
  type ClaimedJob,
  ErrInvalidJob,
  type JobCodec,
  type JobQuery,
  JobQueue,
  type JobRetry,
  type JobStore,
  MemoryJobStore,
  type RescheduleChange,
  type RetriedJob,
} from 'runutil/queue'
import { VirtualClock } from 'runutil/testing'
import { describe, expect, it } from 'vitest'
import { failureOf } from '../support/outcome.ts'
import { freshQueue } from '../support/queue/fresh-queue.ts'
import { freshWorker } from '../support/queue/fresh-worker.ts'
import { ScriptedHandler } from '../support/queue/scripted-handler.ts'

/** A queue with one job of each kind of end: its ids are their names. */
async function endedJobs() {
  const fresh = freshQueue()
  const { queue } = fresh
  const ids = ['done', 'failed', 'panic', 'waiting']
  await queue.enqueue(ids.map((id) => ({ id, kind: 'a', payload: id })))
  await queue.dequeue(['a'], async (job) => ({ ...job, status: 'DONE' }))
  await queue.dequeue(['a'], async (job) => ({ ...job, status: 'FAILED', lastError: 'no' }))
  await queue.dequeue(['a'], async (job) => ({ ...job, status: 'PANIC', lastError: 'panic: no' }))
  fresh.events.length = 0
  return { ...fresh, ids }
}

/** Whose jobs fail as soon as they are retried. */
class AlwaysFailing {
  readonly store: JobStore

  constructor(inner: JobStore) {
    this.store = new Proxy(inner, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name)
        if (name === 'retryJobs') return (retries: readonly JobRetry[]) => this.#retry(target, retries)
        return typeof value === 'function' ? (value.bind(target) as unknown) : value
      },
    })
  }

  async #retry(inner: JobStore, retries: readonly JobRetry[]): Promise<RetriedJob[]> {
    const retried = await inner.retryJobs(retries)
    await inner.cancelJobs(retried.map(({ id }) => id))
    return retried
  }
}

const status = async (queue: JobQueue, ids: readonly string[]): Promise<(string | undefined)[]> =>
  (await Promise.all(ids.map((id) => queue.get(id)))).map((job) => job?.status)

describe('an operator', () => {
  it('retries what has failed, by ids that are trimmed, each counted once', async () => {
    const { queue, ids, events } = await endedJobs()
    expect(await queue.retry([...ids, ' failed ', 'nobody', ''])).toBe(2)
    expect(await status(queue, ids)).toEqual(['DONE', 'PENDING', 'PENDING', 'PENDING'])
    expect(events).toEqual(['retried failed', 'retried panic'])
    expect([await queue.retry('failed'), await queue.retry('nobody'), await queue.retry([])]).toEqual([
      0, 0, 0,
    ])
  })

  it('retries with another payload', async () => {
    const { queue } = await endedJobs()
    expect(await queue.retry('failed', { payload: { to: 'ada' } })).toBe(1)
    expect(await queue.get('failed')).toMatchObject({ status: 'PENDING', payload: { to: 'ada' } })
  })

  it('cancels one job or many', async () => {
    const { queue, ids } = await endedJobs()
    expect([await queue.cancel(' waiting '), await queue.cancel('waiting'), await queue.cancel('')]).toEqual([
      true,
      false,
      false,
    ])
    await queue.enqueue({ id: 'other', kind: 'a' })
    expect(await queue.cancel(['waiting', 'other', 'other'])).toBe(1)
    expect(await status(queue, ids)).toEqual(['DONE', 'FAILED', 'PANIC', 'FAILED'])
  })

  it('deletes jobs, but none that runs', async () => {
    const { queue, ids } = await endedJobs()
    await queue.dequeue(['a'], async (job) => {
      expect([await queue.delete('waiting'), await queue.delete(ids)]).toEqual([0, 3])
      return { ...job, status: 'DONE' }
    })
    expect(await status(queue, ids)).toEqual(['DONE', undefined, undefined, undefined].reverse())
  })

  it('reschedules a waiting job', async () => {
    const { queue, clock } = await endedJobs()
    const runAt = new Date(clock.now() + 60_000)
    expect(await queue.reschedule('waiting', { runAt, priority: -3, payload: [1] })).toBe(true)
    expect(await queue.get(' waiting')).toMatchObject({ runAt, priority: -3, payload: [1] })
    expect(await queue.reschedule('waiting', { delay: '1h' })).toBe(true)
    expect((await queue.get('waiting'))?.runAt).toEqual(new Date(clock.now() + 3_600_000))
    for (const id of ['done', 'nobody', '']) expect(await queue.reschedule(id, { priority: 1 })).toBe(false)
  })

  it.each([
    ['a payload that is no JSON', (queue: JobQueue) => queue.retry('failed', { payload: 1n }), ErrInvalidJob],
    ['no payload', (queue: JobQueue) => queue.retry('failed', { payload: undefined }), ErrInvalidJob],
    [
      'an unknown field',
      (queue: JobQueue) => queue.retry('failed', { payloads: 1 } as object),
      InvalidArgumentError,
    ],
    ['no id', (queue: JobQueue) => queue.retry(undefined as never), InvalidArgumentError],
    ['a number for an id', (queue: JobQueue) => queue.cancel([7] as never), InvalidArgumentError],
    ['a job for an id', (queue: JobQueue) => queue.delete([{ id: 'failed' }] as never), InvalidArgumentError],
  ])('is told of %s, and nothing has changed', async (_, call, type) => {
    const { queue, ids } = await endedJobs()
    const before = await status(queue, ids)
    expect(await failureOf(call(queue))).toBeInstanceOf(type)
    expect(await status(queue, ids)).toEqual(before)
  })

  it.each<[RescheduleChange, string]>([
    [{}, 'reschedule: change: expected at least one of runAt, delay, priority and payload'],
    [{ runAt: undefined }, 'reschedule: change: expected at least one of runAt, delay, priority and payload'],
    [{ runat: new Date() } as object, `reschedule: change: unknown option 'runat'; did you mean 'runAt'?`],
    [{ kind: 'b' } as object, `reschedule: change: unknown option 'kind'; known are`],
    [{ runAt: new Date(), delay: 1 }, 'reschedule: change: expected runAt or delay; got both'],
    [{ runAt: new Date(NaN) }, 'reschedule: change.runAt: expected a Date; got an invalid date'],
    [{ delay: -1 }, 'reschedule: change.delay: expected'],
    [{ priority: 0.5 }, 'reschedule: change.priority: expected a whole number'],
    [{ payload: undefined }, 'reschedule: change.payload: expected a JSON value'],
    [[] as object, 'reschedule: change: expected an options object'],
  ])('is told what is wrong with the change %o', async (change, message) => {
    const { queue } = await endedJobs()
    const before = await queue.get('waiting')
    const error = await failureOf(queue.reschedule('waiting', change))
    expect(error.message).toContain(message)
    expect([InvalidArgumentError, ErrInvalidJob].some((type) => error instanceof type)).toBe(true)
    expect(await queue.get('waiting')).toEqual(before)
  })

  it('retries, cancels and deletes what a query finds', async () => {
    const { queue, ids } = await endedJobs()
    await queue.enqueue({ id: 'other', kind: 'b' })
    expect(await queue.retry({ status: 'FAILED' })).toBe(1)
    expect(await queue.retry({ kind: ' A ' }, { payload: 7 })).toBe(1)
    expect((await queue.get('panic'))?.payload).toBe(7)
    expect(await queue.cancel({ kind: 'b' })).toBe(1)
    expect(await queue.cancel({ createdAt: { lte: new Date(8.64e15) } })).toBe(3)
    expect(await status(queue, ids)).toEqual(['DONE', 'FAILED', 'FAILED', 'FAILED'])
    expect(await queue.delete({ kind: 'a', error: { contains: 'cancelled' } })).toBe(3)
    expect(await status(queue, ids)).toEqual(['DONE', undefined, undefined, undefined])
    expect(await status(queue, ['other'])).toEqual(['FAILED'])
  })

  it('retries each job that a query finds once, though all fail again and more come meanwhile', async () => {
    const { queue } = freshQueue((inner) => new AlwaysFailing(inner).store)
    const ids = Array.from({ length: 1_300 }, (_, at) => `${at}`)
    await queue.enqueue(ids.map((id) => ({ id, kind: 'a' })))
    await queue.cancel(ids)
    for (const query of [{ status: 'FAILED' }, { kind: 'a' }] as const) {
      expect(await queue.retry(query)).toBe(1_300)
      expect((await queue.counts()).a).toMatchObject({ FAILED: 1_300, PENDING: 0 })
    }
  })

  it('cancels no running job where a query finds those that wait', async () => {
    const { queue } = await endedJobs()
    await queue.enqueue({ id: 'next', kind: 'a' })
    await queue.dequeue(['a'], async (job) => {
      expect(await queue.cancel({ status: 'WAITING' })).toBe(1)
      return { ...job, status: 'DONE' }
    })
    expect(await status(queue, ['waiting', 'next'])).toEqual(['DONE', 'FAILED'])
  })

  it.each<[JobQuery, string]>([
    [
      {},
      'which: expected an id, ids or a query that asks for something; got an object {  }; for all jobs, give',
    ],
    [{ kind: undefined }, 'which: expected an id, ids or a query that asks for something'],
    [{ knid: 'a' } as never, "unknown option 'knid'; did you mean 'kind'?"],
    [{ status: 'DONE' }, "status 'DONE' needs a range of ends"],
    [null as never, 'expected an options object'],
    [undefined as never, 'expected an options object'],
    [7 as never, 'expected an options object'],
  ])('is told what is wrong with the query %o', async (query, message) => {
    const { queue, ids } = await endedJobs()
    const before = await status(queue, ids)
    for (const call of ['retry', 'cancel', 'delete'] as const) {
      const error = await failureOf(queue[call](query) as Promise<unknown>)
      expect(error).toBeInstanceOf(InvalidArgumentError)
      expect(error.message).toContain(`${call}: ${message}`)
    }
    expect(await status(queue, ids)).toEqual(before)
  })

  it('is told of a payload that is too large', async () => {
    const queue = new JobQueue(new MemoryJobStore({ maxJson: 20 }))
    await queue.enqueue({ id: '1', kind: 'a' })
    const change = { payload: 'x'.repeat(20) }
    expect(await failureOf(queue.reschedule('1', change))).toBeInstanceOf(ErrInvalidJob)
    await queue.cancel('1')
    expect(await failureOf(queue.retry('1', change))).toBeInstanceOf(ErrInvalidJob)
    expect(await queue.get('1')).toMatchObject({ status: 'FAILED', payload: null })
  })

  it('changes payloads that a codec encodes for each job', async () => {
    const codec: JobCodec = {
      encode: (value, { id, kind }) => ({ of: `${kind} ${id}`, value }),
      decode: (stored, { id, kind }) => {
        const { of, value } = stored as { of: string; value: unknown }
        if (of !== `${kind} ${id}`) throw new Error(`encoded for ${of}`)
        return value
      },
    }
    const store = new MemoryJobStore({ clock: new VirtualClock() })
    const queue = new JobQueue(store, { codec })
    await queue.enqueue(['1', '2', '3'].map((id) => ({ id, kind: `k${id}`, payload: 'old' })))
    await queue.cancel(['1', '2'])
    expect(await queue.retry(['1', '2', '3', 'nobody'], { payload: 'new' })).toBe(2)
    expect(await queue.reschedule('3', { payload: 'other' })).toBe(true)
    expect(await queue.reschedule('nobody', { payload: 'other' })).toBe(false)
    const payloads = (await Promise.all(['1', '2', '3'].map((id) => queue.get(id)))).map(
      (job) => job?.payload,
    )
    expect(payloads).toEqual(['new', 'new', 'other'])
    expect((await store.get('1'))?.payload).toEqual({ of: 'k1 1', value: 'new' })
  })

  it('retries a job whose attempts were used up: they are counted from 1 again', async () => {
    const seen: [number, boolean][] = []
    const handler = (job: ClaimedJob): void => {
      seen.push([job.attempt, job.isLastAttempt])
      throw new Error('no')
    }
    const { queue, clock, enqueue, run } = freshWorker(handler, {
      limits: { attempts: 2, backoff: backoff('10s') },
    })
    await enqueue('1')
    const { stop } = await run()
    await clock.advance('1m')
    expect(await queue.retry('1')).toBe(1)
    await clock.advance('1m')
    await stop()
    const twice: [number, boolean][] = [
      [1, false],
      [2, true],
    ]
    expect(seen).toEqual([...twice, ...twice])
    expect(await queue.get('1')).toMatchObject({ status: 'FAILED', attemptsDone: 4 })
  })

  it('retries a job that was cancelled while it runs: what its handler returns counts no more', async () => {
    const handler = new ScriptedHandler()
    const { queue, clock, enqueue, run } = freshWorker(handler.handle, { concurrency: 2, lease: '30s' })
    await enqueue('1')
    const { stop } = await run()
    const first = await handler.call('1')
    expect([await queue.cancel('1'), await queue.retry('1')]).toEqual([true, 1])
    await clock.advance('2s')
    await handler.calls.times(2)
    const second = await handler.call('1')
    expect([first.job.attempt, second.job.attempt]).toEqual([1, 1])
    await clock.advance('10s')
    expect([first.signal.aborted, second.signal.aborted]).toEqual([true, false])
    first.return('too late')
    await clock.advance('1s')
    expect(await queue.get('1')).toMatchObject({ status: 'PENDING', attemptsDone: 0 })
    second.return('in time')
    await clock.advance('1s')
    expect(await queue.get('1')).toMatchObject({ status: 'DONE', attemptsDone: 1, result: 'in time' })
    await stop()
  })
})
