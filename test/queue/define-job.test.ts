import { runAllWorkers } from 'runutil'
import { type ClaimedJob, type JobDefinition, QueueWorker, defineJob } from 'runutil/queue'
import { pino } from 'pino'
import * as v from 'valibot'
import { describe, expect, expectTypeOf, it, vi } from 'vitest'
import { z } from 'zod'
import { freshQueue } from '../support/queue/fresh-queue.ts'

const quiet = pino({ level: 'silent' })

/** One kind, typed by each library: a payload that is transformed, and a result too. */
const kinds = [
  {
    library: 'zod',
    resize: defineJob({
      kind: 'resize',
      input: z.object({ path: z.string().min(2), width: z.string().transform(Number) }),
      output: z.object({ bytes: z.number().transform(String) }),
    }),
  },
  {
    library: 'valibot',
    resize: defineJob({
      kind: 'resize',
      input: v.object({
        path: v.pipe(v.string(), v.minLength(2)),
        width: v.pipe(v.string(), v.transform(Number)),
      }),
      output: v.object({ bytes: v.pipe(v.number(), v.transform(String)) }),
    }),
  },
] as const

type Handler = (job: ClaimedJob<{ path: string; width: number }>) => { bytes: number }

/** Runs one job of a kind to its end. */
async function runJob(resize: (typeof kinds)[number]['resize'], payload: unknown, handler: Handler) {
  const { clock, queue, settled } = freshQueue()
  const stop = new AbortController()
  const worker = new QueueWorker(queue).register(resize, handler)
  // Past the validation at the call, as a job that an older version stored.
  await queue.enqueue({ id: '1', kind: 'resize', payload })
  const run = runAllWorkers([worker], stop.signal, { clock, logger: quiet })
  await settled.times(1)
  stop.abort()
  await run
  return queue.get('1')
}

describe.each(kinds)('a kind typed by $library', ({ resize }) => {
  it('hands the handler what comes out of its input, and stores what comes out of its output', async () => {
    const handler = vi.fn<Handler>(() => ({ bytes: 7 }))
    const job = await runJob(resize, { path: 'a.png', width: '640' }, handler)
    expect(handler.mock.calls[0]![0].payload).toEqual({ path: 'a.png', width: 640 })
    expect(job).toMatchObject({ status: 'DONE', result: { bytes: '7' }, attemptsDone: 1 })
    // It stays as it was enqueued: another attempt transforms it again.
    expect(job?.payload).toEqual({ path: 'a.png', width: '640' })
  })

  it("ends as PANIC before its handler is called, when the payload doesn't fit", async () => {
    const handler = vi.fn<Handler>()
    const job = await runJob(resize, { path: 'a', width: 5 }, handler)
    expect(handler).not.toHaveBeenCalled()
    expect(job).toMatchObject({ status: 'PANIC', attemptsDone: 1 })
    expect(job?.lastError).toMatch(/^panic: payload doesn't fit the schema: path: .*; width: /)
  })

  it("ends as PANIC when the result doesn't fit", async () => {
    const job = await runJob(resize, { path: 'a.png', width: '1' }, () => ({ bytes: 'many' }) as never)
    expect(job).toMatchObject({ status: 'PANIC' })
    expect(job?.lastError).toMatch(/^panic: result doesn't fit the schema: bytes: /)
    expect(job).not.toHaveProperty('result')
  })

  it('judges what its handler throws as any other', async () => {
    const job = await runJob(resize, { path: 'a.png', width: '1' }, () => {
      throw new Error('no disk')
    })
    expect(job).toMatchObject({ status: 'FAILED', lastError: 'no disk' })
  })

  it('has its types', () => {
    const job = resize.job({ id: '1', payload: { path: 'a.png', width: '640' } })
    expectTypeOf(job.payload).toEqualTypeOf<{ readonly path: 'a.png'; readonly width: '640' }>()
    expect(job).toMatchObject({ id: '1', kind: 'resize', payload: { path: 'a.png', width: '640' } })
    const payload = { path: 'a.png', width: '640' }
    // @ts-expect-error -- a payload has to have the input's type
    resize.job({ id: '1', payload: { path: 'a.png', width: 640 } })
    expect(resize.job({ payload })).not.toHaveProperty('id')
    expect(resize.job({ payload, delay: '1m', runAt: new Date(0), priority: 1, key: 'a' })).toMatchObject({
      key: 'a',
    })
    // @ts-expect-error -- a job has no field that enqueue does not know
    resize.job({ payload, prioritty: 1 })
    // @ts-expect-error -- a job has to have the payload that its input requires
    resize.job({ id: '1' })
    const worker = new QueueWorker(freshQueue().queue)
    worker.register(resize, ({ payload }) => {
      expectTypeOf(payload).toEqualTypeOf<{ path: string; width: number }>()
      return { bytes: payload.width }
    })
    const other = new QueueWorker(freshQueue().queue)
    // @ts-expect-error -- a handler has to return the output's type
    other.register(resize, () => ({ bytes: 'many' }))
  })
})

describe('a definition', () => {
  it('without schemas takes and returns anything', () => {
    const ping = defineJob({ kind: 'ping' })
    expectTypeOf(ping).toEqualTypeOf<JobDefinition<unknown, unknown, unknown>>()
    expect(ping.job({ id: '1', payload: undefined, priority: 3 })).toMatchObject({
      id: '1',
      kind: 'ping',
      payload: undefined,
      priority: 3,
    })
  })

  it('holds its job to its kind', () => {
    const job = { id: '1', payload: null, kind: 'other' } as { id: string; payload: null }
    expect(defineJob({ kind: 'ping' }).job(job).kind).toBe('ping')
  })

  it('carries limits to the store', async () => {
    const { clock, queue } = freshQueue()
    const stop = new AbortController()
    const setRules = vi.spyOn(queue.store, 'setRules')
    const ping = defineJob({ kind: 'Ping', concurrency: 2, rate: { limit: 5, per: '1m' }, deadline: '1s' })
    const run = runAllWorkers([new QueueWorker(queue).register(ping, () => {})], stop.signal, { clock })
    await clock.advance(10)
    stop.abort()
    await run
    expect(setRules.mock.calls[0]![1].get('ping')?.limits).toEqual({
      concurrency: 2,
      keyConcurrency: undefined,
      rate: { limit: 5, perMs: 60_000 },
    })
  })
})
