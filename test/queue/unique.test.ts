import {
  type EnqueueOptions,
  ErrInvalidJob,
  ErrJobExists,
  type JobCodec,
  type JobInput,
  JobQueue,
  QueueWorker,
} from 'runutil/queue'
import { VirtualClock } from 'runutil/testing'
import { afterAll, beforeAll, beforeEach, describe, expect, expectTypeOf, it } from 'vitest'
import { failureOf } from '../support/outcome.ts'
import { freshQueue } from '../support/queue/fresh-queue.ts'
import { type JobStoreMaker, kindsOfJobStore } from '../support/queue/job-stores.ts'

const LONG = 'x'.repeat(301)

describe('a unique key', () => {
  it.each<[what: string, unique: unknown, message: RegExp]>([
    ['over 300 characters', LONG, /^job\.unique: expected at most 300 characters; got 301/],
    ['that is empty', ' ', /^job\.unique: expected a string that isn't empty/],
    ['that is no string', 5, /^job\.unique: expected a string; got 5/],
    ['that is null', null, /^job\.unique: expected a string; got null/],
    [
      'in an object, over 300 characters',
      { key: LONG },
      /^job\.unique\.key: expected at most 300 characters/,
    ],
    ['left out of its object', { until: 'ended' }, /^job\.unique\.key: expected a string; got undefined/],
    [
      'until something else',
      { key: 'k', until: 'done' },
      /^job\.unique\.until: expected 'started' or 'ended'; got "done"/,
    ],
    [
      'with an unknown field',
      { key: 'k', ttl: 5 },
      /^job\.unique: expected a key or \{ key, until\? \}; got the field 'ttl'/,
    ],
  ])('%s is refused, and nothing is stored', async (_, unique, message) => {
    const { queue } = freshQueue()
    const enqueued = queue.enqueue({ id: '1', kind: 'a', unique } as JobInput)
    const error = await failureOf(enqueued)
    expect(error).toBeInstanceOf(ErrInvalidJob)
    expect(error.message).toMatch(message)
    expect(await queue.get('1')).toBeUndefined()
  })

  it('is trimmed, and holds until ended, or until started with onExists replace', async () => {
    const { queue } = freshQueue()
    await queue.enqueue({ id: '1', kind: 'a', unique: ' k ' })
    await queue.enqueue({ id: '2', kind: 'b', unique: { key: 'k' } })
    await queue.enqueue({ id: '3', kind: 'c', unique: 'k' }, { onExists: 'replace' })
    await queue.enqueue({ id: '4', kind: 'd', unique: { key: 'k', until: 'ended' } }, { onExists: 'replace' })
    const uniques = await Promise.all(['1', '2', '3', '4'].map(async (id) => (await queue.get(id))?.unique))
    expect(uniques).toEqual(['ended', 'ended', 'started', 'ended'].map((until) => ({ key: 'k', until })))
  })

  it('of a stored job is one of a job that is enqueued from it', async () => {
    const { queue } = freshQueue()
    await queue.enqueue({ id: '1', kind: 'a', unique: { key: 'k', until: 'started' } })
    const stored = (await queue.get('1'))!
    const error = await failureOf(queue.enqueue({ ...stored, id: '2' }))
    expect(error).toBeInstanceOf(ErrJobExists)
    expect(error).toMatchObject({ ids: ['1'], keys: new Map([['1', 'k']]) })
    await queue.cancel('1')
    await queue.enqueue({ ...stored, id: '2' })
    expect((await queue.get('2'))?.unique).toEqual({ key: 'k', until: 'started' })
  })

  it.each(['uniqueKey', 'unique_key', 'jobKey', 'singletonKey', 'uniqe'])(
    'is hinted at for the field %s',
    async (field) => {
      const { queue } = freshQueue()
      const error = await failureOf(queue.enqueue({ kind: 'a', [field]: 'k' } as JobInput))
      expect(error.message).toContain("did you mean 'unique'?")
    },
  )
})

describe('enqueue', () => {
  it.each<[options: unknown, message: RegExp]>([
    [{ onExists: 'ignore' }, /^enqueue: onExists: expected 'fail', 'skip' or 'replace'; got "ignore"/],
    [{ onexists: 'skip' }, /did you mean 'onExists'\?/],
    [{ maxDelay: '1m' }, /^enqueue: expected onExists: 'replace' with maxDelay/],
    [{ maxDelay: '1m', onExists: 'skip' }, /^enqueue: expected onExists: 'replace' with maxDelay/],
    [{ maxDelay: 'soon', onExists: 'replace' }, /^enqueue: maxDelay: /],
    [{ maxDelay: -1, onExists: 'replace' }, /^enqueue: maxDelay: /],
  ])('refuses the options %o', async (options, message) => {
    const { queue } = freshQueue()
    const error = await failureOf(queue.enqueue({ id: '1', kind: 'a' }, options as EnqueueOptions))
    expect(error.message).toMatch(message)
    expect(await queue.get('1')).toBeUndefined()
  })

  it('emits an event for each job that it stores, and none for others', async () => {
    const { queue } = freshQueue()
    const events: string[] = []
    queue.onEvent((event) => void ('id' in event && events.push(`${event.type} ${event.id}`)))
    await queue.enqueue(
      [
        { id: '1', kind: 'a' },
        { id: '1', kind: 'a' },
        { id: '2', kind: 'a' },
      ],
      { onExists: 'skip' },
    )
    await queue.enqueue({ id: '2', kind: 'a' }, { onExists: 'replace' })
    expect(events).toEqual(['enqueued 1', 'enqueued 2'])
  })

  it('of a worker skips and replaces too', async () => {
    const { queue } = freshQueue()
    const worker = new QueueWorker(queue).register('a', () => {})
    await worker.enqueue({ id: '1', kind: 'a', unique: 'k' })
    const enqueued = worker.enqueue({ kind: 'a', unique: 'k' }, { onExists: 'skip' })
    expectTypeOf((await enqueued).outcome).toEqualTypeOf<'stored' | 'skipped' | 'replaced'>()
    expect(await enqueued).toEqual({ id: '1', outcome: 'skipped' })
  })
})

describe.each(kindsOfJobStore)('with a codec that binds payloads to their jobs, in $name,', ({ open }) => {
  let stores: JobStoreMaker
  let queue: JobQueue
  const bound: JobCodec = {
    encode: (value, { id }) => ({ id, value }),
    decode: (stored, { id }) => {
      const { id: of, value } = stored as { id: string; value: unknown }
      if (of !== id) throw new Error(`this is of ${of}`)
      return value
    },
  }
  beforeAll(async () => void (stores = await open()))
  afterAll(() => stores?.close())
  beforeEach(
    async () => void (queue = new JobQueue(await stores.fresh(new VirtualClock()), { codec: bound })),
  )

  it('a payload that replaces another is encoded for the job that is there', async () => {
    const jobs = ['1', '2', '3'].map((id) => ({ id, kind: 'a', unique: 'k', payload: id }))
    expect(await queue.enqueue(jobs, { onExists: 'replace' })).toEqual([
      { id: '1', outcome: 'stored' },
      { id: '1', outcome: 'replaced' },
      { id: '1', outcome: 'replaced' },
    ])
    expect((await queue.get('1'))?.payload).toBe('3')
    const calls = ['4', '5'].map((id) =>
      queue.enqueue({ id, kind: 'a', unique: 'k', payload: id }, { onExists: 'replace' }),
    )
    expect(await Promise.all(calls)).toEqual(Array(2).fill({ id: '1', outcome: 'replaced' }))
    expect(['4', '5']).toContain((await queue.get('1'))?.payload)
    await queue.cancel('1')
    expect(await queue.enqueue(jobs[2]!, { onExists: 'replace' })).toEqual({ id: '3', outcome: 'stored' })
    expect((await queue.get('3'))?.payload).toBe('3')
  })
})
