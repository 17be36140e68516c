import { runAllWorkers } from 'runutil'
import { type JobEvent, type QueuedJob, QueueWorker } from 'runutil/queue'
import { describe, expect, it } from 'vitest'
import { capturedLogger } from '../support/logs.ts'
import { failureOf } from '../support/outcome.ts'
import { freshQueue } from '../support/queue/fresh-queue.ts'

function listened() {
  const fresh = freshQueue()
  const heard: JobEvent[] = []
  const off = fresh.queue.onEvent((event) => heard.push(event))
  return { ...fresh, heard, off }
}

describe('an event', () => {
  it('tells of each step of a job, with its kind, id and attempt', async () => {
    const { queue, heard, clock } = listened()
    await queue.enqueue([
      { id: '1', kind: 'A' },
      { id: '2', kind: 'b' },
    ])
    const again = async (job: QueuedJob): Promise<QueuedJob> => ({
      ...job,
      attemptsDone: 1,
      lastError: 'busy',
    })
    await queue.dequeue(['a'], again)
    await clock.advance('1s')
    await queue.dequeue(['a'], async (job) => ({ ...job, status: 'DONE', result: 1 }))
    const job = { id: '1', kind: 'a' }
    expect(heard).toEqual([
      { type: 'enqueued', ...job },
      { type: 'enqueued', id: '2', kind: 'b' },
      { type: 'claimed', ...job, attempt: 1 },
      {
        type: 'settled',
        ...job,
        attempt: 1,
        durationMs: expect.any(Number) as number,
        status: 'PENDING',
        lastError: 'busy',
      },
      { type: 'claimed', ...job, attempt: 2 },
      {
        type: 'settled',
        ...job,
        attempt: 2,
        durationMs: expect.any(Number) as number,
        status: 'DONE',
        lastError: undefined,
      },
    ])
  })

  it("isn't told of what didn't happen", async () => {
    const { queue, heard } = listened()
    await queue.enqueue({ id: '1', kind: 'a' })
    heard.length = 0
    await failureOf(
      queue.enqueue([
        { id: '1', kind: 'a' },
        { id: '2', kind: 'a' },
      ]),
    )
    await queue.dequeue(['b'], async (job) => job)
    await queue.enqueue([])
    expect(heard).toEqual([])
  })

  it('tells that a job was given back', async () => {
    const { queue, heard } = listened()
    await queue.enqueue({ id: '1', kind: 'a' })
    await failureOf(queue.dequeue(['a'], async () => Promise.reject(new Error('no'))))
    expect(heard.at(-1)).toEqual({ type: 'released', id: '1', kind: 'a', attempt: 1 })
  })

  it('tells that a job was lost, and not that it was settled', async () => {
    const { queue, heard } = listened()
    await queue.enqueue({ id: '1', kind: 'a' })
    const cancels = async (job: QueuedJob): Promise<QueuedJob> => {
      await queue.cancel('1')
      return { ...job, status: 'DONE' }
    }
    await failureOf(queue.dequeue(['a'], cancels))
    expect(heard.map(({ type }) => type)).toEqual(['enqueued', 'claimed', 'lost'])
    expect(heard.at(-1)).toEqual({ type: 'lost', id: '1', kind: 'a', attempt: 1 })
  })

  it("isn't heard by who was taken off", async () => {
    const { queue, heard, off } = listened()
    off()
    off()
    await queue.enqueue({ id: '1', kind: 'a' })
    expect(heard).toEqual([])
  })

  it('whose listener throws or rejects is told to the others, and the worker goes on', async () => {
    const { queue, heard } = listened()
    queue.onEvent(() => {
      throw new Error('metrics are down')
    })
    queue.onEvent(() => Promise.reject(new Error('metrics are down')) as never)
    const { logger, lines } = capturedLogger()
    const stop = new AbortController()
    const worker = new QueueWorker(queue).register('a', () => 1)
    const run = runAllWorkers([worker], stop.signal, { logger })
    await queue.enqueue([
      { id: '1', kind: 'a' },
      { id: '2', kind: 'a' },
    ])
    await Promise.all(['1', '2'].map((id) => queue.result(id)))
    stop.abort()
    await run
    expect(heard.filter(({ type }) => type === 'settled')).toHaveLength(2)
    // The first events of each may have come before the worker ran, under the logger of nobody.
    expect(lines.filter(({ msg }) => /listener of 'job' failed/.test(msg)).length).toBeLessThanOrEqual(2)
  })
})
