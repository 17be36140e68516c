import { runAllWorkers } from 'runutil'
import {
  ErrInvalidJob,
  type JobCodec,
  type JobInput,
  JobQueue,
  MemoryJobStore,
  QueueWorker,
} from 'runutil/queue'
import { VirtualClock } from 'runutil/testing'
import { describe, expect, it, test } from 'vitest'
import { capturedLogger } from '../support/logs.ts'
import { failureOf } from '../support/outcome.ts'
import { freshQueue } from '../support/queue/fresh-queue.ts'

/** Runs the jobs of a queue until nothing is due. */
async function runAll(queue: JobQueue, clock: VirtualClock, handler: Parameters<QueueWorker['register']>[1]) {
  const { logger } = capturedLogger()
  const stop = new AbortController()
  const worker = new QueueWorker(queue).register('a', handler)
  const ended = runAllWorkers([worker], stop.signal, { clock, logger })
  await clock.advance('1s')
  stop.abort()
  await clock.advance('1s')
  await ended
}

const job = (id: string, after?: JobInput['after']): JobInput => ({ id, kind: 'a', after })

describe('a job that runs after others', () => {
  it('gets their results, by their ids', async () => {
    const { queue, clock } = freshQueue()
    await queue.enqueue([job('sum', ['one', 'two']), job('one'), job('two'), job('nothing')])
    const seen: unknown[] = []
    await runAll(queue, clock, async ({ id, dependencies }) => {
      seen.push(await dependencies())
      return { one: 1, two: 2 }[id]
    })
    expect(seen).toEqual([{}, {}, {}, { one: 1, two: 2 }])
  })

  it('gets their results decoded, and what cannot be as it is stored', async () => {
    const clock = new VirtualClock()
    const codec: JobCodec = {
      encode: (value) => ({ coded: value }),
      decode: (value, { id }) => {
        if (id === 'bad') throw new Error('wrong key')
        return (value as { coded: unknown }).coded
      },
    }
    const queue = new JobQueue(new MemoryJobStore({ clock }), { codec })
    await queue.enqueue([job('good'), job('silent')])
    await new JobQueue(queue.store).enqueue(job('plain'))
    await queue.enqueue(job('last', ['good', 'silent']))
    let seen: unknown
    await runAll(queue, clock, async ({ id, dependencies }) => {
      if (id === 'last') seen = await dependencies()
      return id === 'good' ? 'secret' : undefined
    })
    expect(seen).toEqual({ good: 'secret', silent: undefined })
  })

  it('shows what it runs after, and what it still waits for', async () => {
    const { queue } = freshQueue()
    await queue.enqueue([job('a'), job('b', ' a '), job('c', { ids: ['a', 'b', 'a'], on: 'end' })])
    expect(await queue.get('a')).not.toHaveProperty('after')
    expect(await queue.get('b')).toMatchObject({ after: ['a'], waitsFor: ['a'] })
    expect(await queue.get('c')).toMatchObject({ after: ['a', 'b'], waitsFor: ['a', 'b'] })
    await queue.cancel('a')
    expect(await queue.get('b')).toMatchObject({ status: 'FAILED', lastError: 'dependency a failed' })
    expect(await queue.get('c')).not.toHaveProperty('waitsFor')
  })

  it('runs at once after an empty list', async () => {
    const { queue } = freshQueue()
    await queue.enqueue(job('a', []))
    expect(await queue.get('a')).not.toHaveProperty('after')
    expect(await queue.dequeue(['a'], async (one) => ({ ...one, status: 'DONE' }))).toBe(true)
  })

  it('is reported as blocked', async () => {
    const { queue, events } = freshQueue()
    await queue.enqueue([job('a'), job('b', 'a')])
    expect(events).toEqual(['enqueued a', 'enqueued b', 'blocked b'])
  })

  it('can be the end of a long chain', async () => {
    const { queue, clock } = freshQueue()
    const ids = Array.from({ length: 300 }, (_, at) => `${at}`)
    await queue.enqueue(ids.map((id, at) => job(id, at === 0 ? [] : ids[at - 1])).reverse())
    let runs = 0
    await runAll(queue, clock, () => void runs++)
    expect(runs).toBe(300)
  })
})

describe('the jobs that a job runs after', () => {
  test.each<[string, JobInput[], string]>([
    ['are refused when one is unknown', [job('a', ['b'])], 'there are none with "b"'],
    ['are refused when one is the job itself', [job('a', 'a')], 'in a circle: "a" after "a"'],
    [
      'are refused when they wait for the job',
      [job('a', 'c'), job('b', ['x', 'a']), job('x'), job('c', 'b')],
      'in a circle: "a" after "c" after "b" after "a"',
    ],
    [
      'are refused when there are too many',
      [job('a', Array<string>(1_001).fill('b'))],
      'at most 1000 ids; got 1001',
    ],
    [
      'are refused when an id is empty',
      [job('a', ['b', ' '])],
      "job.after: expected a string that isn't empty",
    ],
    ['are refused when an id is no string', [job('a', [1 as never])], 'job.after: expected a string; got 1'],
    ['are refused when they are null', [job('a', null as never)], 'after: expected a string; got null'],
    ['are refused with an unknown field', [job('a', { ids: 'b', when: 1 } as never)], "unknown field 'when'"],
    [
      'are refused with an unknown end',
      [job('a', { ids: 'b', on: 'fail' as never })],
      "expected 'done' or 'end'",
    ],
  ])('%s', async (_, jobs, message) => {
    const { queue } = freshQueue()
    const error = await failureOf(queue.enqueue(jobs.length === 1 ? jobs[0]! : jobs))
    expect(error).toBeInstanceOf(ErrInvalidJob)
    expect(error.message).toContain(message)
    expect(await queue.counts()).toEqual({})
  })

  it('have other names in other queues', async () => {
    const { queue } = freshQueue()
    const failure = await failureOf(queue.enqueue({ ...job('a'), dependsOn: 'b' } as JobInput))
    expect(failure.message).toContain("unknown field 'dependsOn'; did you mean 'after'?")
  })
})
