import { PostgresJobStore, migrate, openDatabase } from 'runutil/postgres'
import { JobQueue, MemoryJobStore, QueueWorker, RetryableError } from 'runutil/queue'
import { VirtualClock, drain, enqueued } from 'runutil/testing'
import { describe, expect, it, test } from 'vitest'

const stores = {
  memory: async () => ({ store: new MemoryJobStore({ clock: new VirtualClock() }), close: async () => {} }),
  PGlite: async () => {
    const database = await openDatabase('memory:')
    await migrate(database)
    return { store: new PostgresJobStore(database), close: () => database.close() }
  },
}

describe.each(Object.entries(stores))('enqueued, on %s', (_, open) => {
  it('lists what waits, in the order of enqueueing, and nothing that runs or has ended', async () => {
    const { store, close } = await open()
    const queue = new JobQueue(store)
    const payloads = async (query = {}): Promise<unknown[]> =>
      (await enqueued(queue, query)).map(({ payload }) => payload)
    await queue.enqueue([
      { id: 'x1', kind: 'a', payload: 1 },
      { id: 'x2', kind: 'b', payload: 2, key: 'k' },
      { id: 'y3', kind: 'a', payload: 3, delay: '1d' },
      { id: 'y4', kind: 'a', payload: 4, priority: 1 },
      { id: 'y5', kind: 'later', payload: 5 },
    ])
    expect(await payloads()).toEqual([1, 2, 3, 4, 5])
    expect(await payloads({ kind: ' A ' })).toEqual([1, 3, 4])
    expect(await payloads({ key: 'k' })).toEqual([2])
    expect(await payloads({ idPrefix: 'y', kind: 'a' })).toEqual([3, 4])
    const seen: unknown[] = []
    const worker = new QueueWorker(queue)
      .register('a', async () => void seen.push(await payloads({ kind: 'a' })))
      .register('later', () => {
        throw new RetryableError({ retryAfter: '1h' })
      })
    await drain(queue, worker)
    expect(seen).toEqual([[1, 3], [3]])
    expect(await payloads()).toEqual([2, 3, 5])
    await close()
  })

  it('lists more than a page has', async () => {
    const { store, close } = await open()
    const queue = new JobQueue(store)
    await queue.enqueue(Array.from({ length: 2_500 }, (_, at) => ({ kind: 'a', payload: at })))
    const jobs = await enqueued(queue, { kind: 'a' })
    expect(jobs.map(({ payload }) => payload)).toEqual(Array.from({ length: 2_500 }, (_, at) => at))
    await close()
  })
})

test.each([
  [[{}, {}], 'enqueued: expected a JobQueue; got'],
  [
    [new JobQueue(new MemoryJobStore()), { kinds: 'a' }],
    "enqueued: unknown option 'kinds'; did you mean 'kind'?",
  ],
  [[new JobQueue(new MemoryJobStore()), { status: 'DONE' }], "enqueued: unknown option 'status'"],
] as const)('enqueued refuses %j', async (args, message) => {
  await expect(enqueued(...(args as unknown as Parameters<typeof enqueued>))).rejects.toThrow(message)
})
