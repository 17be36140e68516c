import { type Enqueued, JobQueue, QueueWorker } from 'runutil/queue'
import { VirtualClock } from 'runutil/testing'
import { afterAll, beforeAll, describe, expect, expectTypeOf, it } from 'vitest'
import { freshQueue } from '../support/queue/fresh-queue.ts'
import { type JobStoreMaker, kindsOfJobStore } from '../support/queue/job-stores.ts'

const UUID_7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

describe('enqueue resolves with', () => {
  it('the id of a job, given and trimmed, or generated', async () => {
    const { queue } = freshQueue()
    expect(await queue.enqueue({ id: ' 1 ', kind: 'a' })).toEqual({ id: '1', outcome: 'stored' })
    const { id, outcome } = await queue.enqueue({ kind: 'a', id: undefined })
    expect(id).toMatch(UUID_7)
    expect(outcome).toBe('stored')
    expect(await queue.get(id)).toMatchObject({ id, kind: 'a' })
  })

  it('a list for a list, in its order, also of one job or none', async () => {
    const { queue } = freshQueue()
    const enqueued = await queue.enqueue([{ id: '1', kind: 'a' }, { kind: 'a' }, { kind: 'b' }])
    expect(enqueued.map(({ outcome }) => outcome)).toEqual(['stored', 'stored', 'stored'])
    expect(enqueued[0]).toEqual({ id: '1', outcome: 'stored' })
    expect(enqueued[1]!.id < enqueued[2]!.id).toBe(true)
    expect(await queue.enqueue([])).toEqual([])
    expect(await queue.enqueue([{ id: '2', kind: 'a' }])).toEqual([{ id: '2', outcome: 'stored' }])
  })

  it('the same through a worker', async () => {
    const { queue } = freshQueue()
    const worker = new QueueWorker(queue).register('a', () => {})
    const one = worker.enqueue({ kind: 'a' })
    const many = worker.enqueue([{ id: '1', kind: 'a' }])
    expectTypeOf(one).toEqualTypeOf<Promise<Enqueued>>()
    expectTypeOf(many).toEqualTypeOf<Promise<Enqueued[]>>()
    expect((await one).id).toMatch(UUID_7)
    expect(await many).toEqual([{ id: '1', outcome: 'stored' }])
  })

  it('ids that increase, however many a call has and however calls follow', async () => {
    const { queue } = freshQueue()
    const plain = Array.from({ length: 5_000 }, () => ({ kind: 'a' }))
    const ids = [...(await queue.enqueue(plain)), ...(await queue.enqueue(plain))].map(({ id }) => id)
    expect(ids.toSorted()).toEqual(ids)
    expect(new Set(ids).size).toBe(10_000)
  })
})

describe.each(kindsOfJobStore)('a delay, in $name,', ({ open }) => {
  let stores: JobStoreMaker
  let queue: JobQueue
  const clock = new VirtualClock()
  beforeAll(async () => {
    stores = await open()
    queue = new JobQueue(await stores.fresh(clock))
  })
  afterAll(() => stores?.close())

  it("counts from the call, by the store's clock", async () => {
    await clock.advance('1d')
    const [{ id: later }, { id: now }] = (await queue.enqueue([
      { kind: 'a', delay: '90s' },
      { kind: 'a', delay: 0 },
    ])) as [Enqueued, Enqueued]
    expect((await queue.get(later))?.runAt).toEqual(new Date(clock.now() + 90_000))
    expect((await queue.get(now))?.runAt).toEqual(new Date(clock.now()))
  })
})
