import { InvalidArgumentError } from 'runutil'
import { ErrInvalidJob, ErrLostLease, type QueuedJob } from 'runutil/queue'
import { Probe } from 'runutil/testing'
import { describe, expect, it, test, vi } from 'vitest'
import { failureOf } from '../support/outcome.ts'
import { type FreshQueue, freshQueue, onClock } from '../support/queue/fresh-queue.ts'

async function oneJob(): Promise<FreshQueue> {
  const fresh = freshQueue()
  await fresh.queue.enqueue({ id: '1', kind: 'a', payload: { x: 1 } })
  return fresh
}

describe('dequeue', () => {
  it('is false when no job is ready, and calls nobody', async () => {
    const { clock, queue } = freshQueue()
    const fn = vi.fn()
    expect(await queue.dequeue(['a'], fn)).toBe(false)
    await queue.enqueue([
      { id: '1', kind: 'b' },
      { id: '2', kind: 'a', runAt: new Date(clock.now() + 1) },
    ])
    expect(await queue.dequeue(['a'], fn)).toBe(false)
    expect(await queue.dequeue([], fn)).toBe(false)
    expect(fn).not.toHaveBeenCalled()
  })

  it('hands the job over and is true', async () => {
    const { queue, events } = await oneJob()
    const fn = vi.fn(async (job: QueuedJob) => ({ ...job, status: 'DONE' as const, result: [job.payload] }))
    expect(await queue.dequeue([' A '], fn)).toBe(true)
    expect(fn.mock.calls[0]![0]).toMatchObject({ id: '1', payload: { x: 1 }, status: 'PENDING' })
    expect(await queue.get('1')).toMatchObject({ status: 'DONE', result: [{ x: 1 }], attemptsDone: 1 })
    expect(events).toEqual(['enqueued 1', 'claimed 1', 'settled 1 DONE'])
  })

  const later = new Date(Date.UTC(2000, 0, 2))
  test.each<[string, Partial<QueuedJob>, object]>([
    ['DONE without a result', { status: 'DONE' }, { status: 'DONE', attemptsDone: 1 }],
    ['FAILED', { status: 'FAILED', lastError: 'no' }, { status: 'FAILED', lastError: 'no', attemptsDone: 1 }],
    ['FAILED without a reason', { status: 'FAILED' }, { status: 'FAILED', attemptsDone: 1 }],
    ['PANIC', { status: 'PANIC', lastError: 'panic: x\0' }, { status: 'PANIC', lastError: 'panic: x\\0' }],
    ['PENDING, uncounted', { runAt: later }, { status: 'PENDING', runAt: later, attemptsDone: 0 }],
    [
      'PENDING, counted',
      { runAt: later, attemptsDone: 1, lastError: 'busy' },
      { status: 'PENDING', runAt: later, attemptsDone: 1, lastError: 'busy' },
    ],
    ['another id and kind: they stay', { id: '2', kind: 'b', status: 'DONE' }, { id: '1', kind: 'a' }],
  ])('stores the job as it comes back: %s', async (_, after, stored) => {
    const { queue } = await oneJob()
    expect(await queue.dequeue(['a'], async (job) => ({ ...job, ...after }))).toBe(true)
    expect(await queue.get('1')).toMatchObject(stored)
  })

  test.each<[string, unknown, abstract new (...args: never[]) => Error, string]>([
    [
      'nothing',
      undefined,
      InvalidArgumentError,
      'dequeue: expected fn to return the job after the attempt; got undefined',
    ],
    [
      'a status that is none',
      { status: 'OVER' },
      InvalidArgumentError,
      `expected 'PENDING', 'DONE', 'FAILED' or 'PANIC'; got "OVER"`,
    ],
    [
      'a date that is none',
      { status: 'PENDING', runAt: new Date(NaN) },
      ErrInvalidJob,
      'to have a valid runAt',
    ],
    [
      'a reason that is no text',
      { status: 'FAILED', lastError: 5 },
      InvalidArgumentError,
      'dequeue: lastError: expected a string; got 5',
    ],
    [
      'a result that is no JSON',
      { status: 'DONE', result: 1n },
      Error,
      'dequeue: result: expected a JSON value',
    ],
  ])(
    'rejects when fn returns %s, and the job is as if it had not been claimed',
    async (_, after, type, message) => {
      const { queue, events } = await oneJob()
      const before = await queue.get('1')
      const fn = async (job: QueuedJob) =>
        (after === undefined ? after : { ...job, ...(after as object) }) as QueuedJob
      const error = await failureOf(queue.dequeue(['a'], fn))
      expect(error).toBeInstanceOf(type)
      expect(error.message).toContain(message)
      expect(await queue.get('1')).toEqual(before)
      expect(await queue.counts()).toMatchObject({ a: { PENDING: 1, RUNNING: 0 } })
      expect(events).toEqual(['enqueued 1', 'claimed 1', 'released 1'])
    },
  )

  it.each(['thrown', 'rejected'])(
    'throws on what is %s, and the job is as if it had not been claimed',
    async (how) => {
      const { queue } = await oneJob()
      const before = await queue.get('1')
      const wrong = new Error('no')
      const fn = (): Promise<QueuedJob> => {
        if (how === 'thrown') throw wrong
        return Promise.reject(wrong)
      }
      expect(await failureOf(queue.dequeue(['a'], fn))).toBe(wrong)
      expect(await queue.get('1')).toEqual(before)
      expect(await queue.counts()).toMatchObject({ a: { PENDING: 1, RUNNING: 0 } })
    },
  )

  test.each<[string, unknown[], abstract new (...args: never[]) => Error]>([
    ['no function', [['a'], undefined], InvalidArgumentError],
    ['an empty kind', [['a', ''], async () => {}], ErrInvalidJob],
    ['a kind that is a number', [[5], async () => {}], ErrInvalidJob],
    ['kinds that are a text', ['a', async () => {}], InvalidArgumentError],
    [
      'a misspelt option',
      [['a'], async (job: QueuedJob) => job, { singal: undefined }],
      InvalidArgumentError,
    ],
  ])('rejects %s', async (_, args, type) => {
    const { queue } = await oneJob()
    const dequeue = queue.dequeue.bind(queue) as (...args: unknown[]) => Promise<boolean>
    expect(await failureOf(dequeue(...args))).toBeInstanceOf(type)
    expect(await queue.counts()).toMatchObject({ a: { PENDING: 1, RUNNING: 0 } })
  })
})

describe('the signal', () => {
  it('that is aborted already claims nothing', async () => {
    const { queue, events } = await oneJob()
    expect(await queue.dequeue(['a'], async (job) => job, { signal: AbortSignal.abort() })).toBe(false)
    expect(events).toEqual(['enqueued 1'])
  })

  it('aborts the one that fn gets, with its reason', async () => {
    const { queue } = await oneJob()
    const stop = new AbortController()
    const reason = new Error('stop')
    const fn = async (job: QueuedJob, signal: AbortSignal): Promise<QueuedJob> => {
      expect(signal.aborted).toBe(false)
      stop.abort(reason)
      signal.throwIfAborted()
      return job
    }
    expect(await failureOf(queue.dequeue(['a'], fn, { signal: stop.signal }))).toBe(reason)
    expect(await queue.counts()).toMatchObject({ a: { PENDING: 1, RUNNING: 0 } })
  })
})

describe('the lease', () => {
  /** Holds a job until `release`, on the virtual clock. */
  async function hold(fresh: FreshQueue, end: (job: QueuedJob, signal: AbortSignal) => Promise<QueuedJob>) {
    const held = new Probe<AbortSignal>('held')
    const release = new Probe('release')
    const outcome = onClock(fresh.clock, () =>
      fresh.queue.dequeue(['a'], async (job, signal) => {
        held.hit(signal)
        await release.times(1)
        return end(job, signal)
      }),
    )
    const [signal] = await held.times(1)
    return { signal: signal!, release, outcome }
  }

  it('is renewed for as long as fn runs', async () => {
    const fresh = await oneJob()
    const { release, outcome, signal } = await hold(fresh, async (job) => ({ ...job, status: 'DONE' }))
    for (let minute = 0; minute < 10; minute++) {
      await fresh.clock.advance('1m')
      expect(await fresh.queue.store.claim(['a'], 1, '1s')).toEqual([])
    }
    release.hit()
    expect(await outcome).toBe(true)
    expect(signal.aborted).toBe(false)
    expect(await fresh.queue.get('1')).toMatchObject({ status: 'DONE' })
    await fresh.clock.advance('1m')
    expect(fresh.clock.pending).toBe(0)
  })

  it.each<[string, (job: QueuedJob, signal: AbortSignal) => Promise<QueuedJob>]>([
    ['fn ends all the same', async (job) => ({ ...job, status: 'DONE' })],
    ['fn gives up', async (_, signal) => Promise.reject(signal.reason as Error)],
    ['fn fails in its own way', async () => Promise.reject(new Error('aborted'))],
  ])('once lost is ErrLostLease, and nothing changes, when %s', async (_, end) => {
    const fresh = await oneJob()
    const { release, outcome, signal } = await hold(fresh, end)
    expect(await fresh.queue.cancel('1')).toBe(true)
    await fresh.clock.advance('10s')
    expect(signal.reason).toBeInstanceOf(ErrLostLease)
    const before = await fresh.queue.get('1')
    release.hit()
    expect(await failureOf(outcome)).toMatchObject({ name: 'ErrLostLease', code: 'ERR_LOST_LEASE', id: '1' })
    expect(await fresh.queue.get('1')).toEqual(before)
    expect(before).toMatchObject({ status: 'FAILED', lastError: 'cancelled', attemptsDone: 0 })
  })

  it('that was lost without a word is ErrLostLease when the job is to be stored', async () => {
    const { queue, events } = await oneJob()
    const lost = queue.dequeue(['a'], async (job) => {
      await queue.cancel('1')
      return { ...job, status: 'DONE' }
    })
    expect(await failureOf(lost)).toBeInstanceOf(ErrLostLease)
    expect(events).toEqual(['enqueued 1', 'claimed 1', 'lost 1'])
  })
})
