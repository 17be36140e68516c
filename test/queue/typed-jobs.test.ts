import { ErrInvalidJob, JobQueue, QueueWorker, defineJob } from 'runutil/queue'
import * as v from 'valibot'
import { VirtualClock } from 'runutil/testing'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { failureOf } from '../support/outcome.ts'
import { freshQueue } from '../support/queue/fresh-queue.ts'
import { type JobStoreMaker, kindsOfJobStore } from '../support/queue/job-stores.ts'

const resize = defineJob({
  kind: 'Resize',
  input: z.object({ path: z.string(), width: z.string().transform(Number) }),
})
const wrong = { path: 5, width: '1' } as unknown as { path: string; width: string }

describe('what a definition made is validated by enqueue', () => {
  it('and its input is stored, not what the schema made of it', async () => {
    const { queue } = freshQueue()
    await queue.enqueue(resize.job({ id: '1', payload: { path: 'a.png', width: '640' } }))
    expect((await queue.get('1'))?.payload).toEqual({ path: 'a.png', width: '640' })
  })

  it('and refused with its place in the list and what is wrong; nothing is stored', async () => {
    const { queue } = freshQueue()
    const error = await failureOf(
      queue.enqueue([{ id: '1', kind: 'a' }, resize.job({ id: '2', payload: wrong })]),
    )
    expect(error).toBeInstanceOf(ErrInvalidJob)
    expect(error.message).toMatch(
      /^jobs\[1\]\.payload: doesn't fit the schema of kind 'resize': path: .*string[^;]*$/,
    )
    expect(await queue.counts()).toEqual({})
  })

  it('also as a copy of that job, with other fields', async () => {
    const { queue } = freshQueue()
    const error = await failureOf(queue.enqueue({ ...resize.job({ id: '1', payload: wrong }), priority: 3 }))
    expect(error).toBeInstanceOf(ErrInvalidJob)
  })

  it('but not under another kind', async () => {
    const { queue } = freshQueue()
    await queue.enqueue({ ...resize.job({ id: '1', payload: wrong }), kind: 'other' })
    expect(await queue.get('1')).toMatchObject({ kind: 'other' })
  })

  it('by a schema that answers later, or throws', async () => {
    const { queue } = freshQueue()
    const later = defineJob({
      kind: 'a',
      input: v.pipeAsync(
        v.string(),
        v.checkAsync(async () => false, 'no'),
      ),
    })
    expect((await failureOf(queue.enqueue(later.job({ payload: 'x' })))).message).toMatch(/kind 'a': no$/)
    const throws = defineJob({
      kind: 'b',
      input: z.string().transform(() => {
        throw new TypeError('broken')
      }),
    })
    const error = await failureOf(queue.enqueue(throws.job({ payload: 'x' })))
    expect(error).toBeInstanceOf(ErrInvalidJob)
    expect(error.message).toMatch(/kind 'b': broken$/)
    expect(await queue.counts()).toEqual({})
  })

  it('after it went through JSON: a Date needs z.coerce.date()', async () => {
    const { queue } = freshQueue()
    const at = new Date(0)
    const dated = defineJob({ kind: 'a', input: z.object({ list: z.array(z.object({ at: z.date() })) }) })
    const error = await failureOf(queue.enqueue(dated.job({ payload: { list: [{ at }] } })))
    expect(error.message).toMatch(
      /^job\.payload: doesn't fit the schema of kind 'a': list\.0\.at: .*; payload is JSON; use z\.coerce\.date\(\)$/,
    )
    const coerced = defineJob({ kind: 'a', input: z.object({ at: z.coerce.date() }) })
    await queue.enqueue(coerced.job({ id: '1', payload: { at } }))
    expect((await queue.get('1'))?.payload).toEqual({ at: at.toJSON() })
  })

  it('as it was at the call, whatever becomes of the object', async () => {
    const { queue } = freshQueue()
    const payload = { path: 'a', width: '1' }
    const enqueued = queue.enqueue(resize.job({ id: '1', payload }))
    payload.path = 'b'
    await enqueued
    expect((await queue.get('1'))?.payload).toMatchObject({ path: 'a' })
  })
})

describe('a worker that registered a kind by a definition', () => {
  it('validates every job of that kind, whoever made it', async () => {
    const { queue } = freshQueue()
    const worker = new QueueWorker(queue).register(resize, () => {}).register('plain', () => {})
    const error = await failureOf(
      worker.enqueue([
        { id: '1', kind: 'plain', payload: wrong },
        { id: '2', kind: ' RESIZE', payload: wrong },
      ]),
    )
    expect(error).toBeInstanceOf(ErrInvalidJob)
    expect(error.message).toContain("jobs[1].payload: doesn't fit the schema of kind 'resize'")
    expect(await queue.counts()).toEqual({})
    await worker.enqueue({ id: '1', kind: 'plain', payload: wrong })
    await worker.enqueue({ id: '2', kind: 'resize', payload: { path: 'a', width: '1' } })
    expect((await queue.get('2'))?.payload).toEqual({ path: 'a', width: '1' })
  })

  it('does so by its own definition, not by that of the job', async () => {
    const { queue } = freshQueue()
    const strict = defineJob({ kind: 'resize', input: z.object({ path: z.string().max(1) }) })
    const worker = new QueueWorker(queue).register(strict, () => {})
    const job = resize.job({ id: '1', payload: { path: 'long', width: '1' } })
    expect(await failureOf(worker.enqueue(job))).toBeInstanceOf(ErrInvalidJob)
    await queue.enqueue(job)
  })
})

describe.each(kindsOfJobStore)('a job of $name', ({ open }) => {
  let stores: JobStoreMaker
  let queue: JobQueue
  beforeAll(async () => {
    stores = await open()
  })
  beforeEach(async () => {
    queue = new JobQueue(await stores.fresh(new VirtualClock()))
  })
  afterAll(() => stores?.close())

  it('can be enqueued again as get gives it, and as a claim does', async () => {
    const claimed = vi.fn<(job: object) => void>()
    await queue.enqueue({ id: '1', kind: 'a', payload: 'x'.repeat(1_000), key: 'k', priority: 2 })
    await queue.dequeue(['a'], async (job) => {
      claimed(job)
      return { ...job, status: 'FAILED', lastError: 'no', attemptsDone: 1 }
    })
    await queue.enqueue({ ...(await queue.get('1'))!, id: '2' })
    await queue.enqueue({ ...(claimed.mock.calls[0]![0] as { kind: string }), id: '3' })
    for (const id of ['2', '3']) {
      expect(await queue.get(id)).toMatchObject({ status: 'PENDING', attemptsDone: 0 })
      expect(await queue.get(id)).not.toHaveProperty('lastError')
    }
  })
})
