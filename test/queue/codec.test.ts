import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { runAllWorkers } from 'runutil'
import {
  ErrInvalidJob,
  type JobCodec,
  JobQueue,
  type JobStore,
  MemoryJobStore,
  QueueWorker,
  defineJob,
} from 'runutil/queue'
import { Probe, VirtualClock } from 'runutil/testing'
import { pino } from 'pino'
import { afterAll, beforeAll, beforeEach, describe, expect, it, test, vi } from 'vitest'
import { z } from 'zod'
import { failureOf } from '../support/outcome.ts'
import { type JobStoreMaker, kindsOfJobStore } from '../support/queue/job-stores.ts'

const logger = pino({ level: 'silent' })
const KEY = randomBytes(32)

/** Binds each value to its job, so that one moved to another job can't be decrypted. */
const aes: JobCodec = {
  encode: (value, { id, kind }) => {
    const iv = randomBytes(12)
    const cipher = createCipheriv('aes-256-gcm', KEY, iv).setAAD(Buffer.from(`${kind} ${id}`))
    const text = Buffer.concat([cipher.update(JSON.stringify(value), 'utf8'), cipher.final()])
    return Buffer.concat([iv, cipher.getAuthTag(), text]).toString('base64')
  },
  decode: (value, { id, kind }) => {
    const bytes = Buffer.from(value as string, 'base64')
    const decipher = createDecipheriv('aes-256-gcm', KEY, bytes.subarray(0, 12))
    decipher.setAAD(Buffer.from(`${kind} ${id}`)).setAuthTag(bytes.subarray(12, 28))
    return JSON.parse(
      decipher.update(bytes.subarray(28), undefined, 'utf8') + decipher.final('utf8'),
    ) as unknown
  },
}
const later: JobCodec = {
  encode: async (value, job) => ({ it: aes.encode(value, job) }),
  decode: async (value, job) => aes.decode((value as { it: unknown }).it, job),
}

/** Runs a worker until so many jobs have ended. */
async function run(worker: QueueWorker, queue: JobQueue, clock: VirtualClock, count = 1): Promise<void> {
  const settled = new Probe<string>('settled')
  const off = queue.onEvent((event) => (event.type === 'settled' ? settled.hit(event.id) : undefined))
  const stop = new AbortController()
  const ended = runAllWorkers([worker], stop.signal, { clock, logger })
  await settled.times(count)
  stop.abort()
  await ended
  off()
}

describe.each(kindsOfJobStore)('a codec, with $name,', ({ open }) => {
  let stores: JobStoreMaker
  let store: JobStore
  const clock = new VirtualClock()
  beforeAll(async () => {
    stores = await open()
  })
  beforeEach(async () => {
    store = await stores.fresh(clock)
  })
  afterAll(() => stores?.close())

  test.each([
    ['answers at once', aes],
    ['answers later', later],
  ])('encodes payloads and results in the store, and decodes them, when it %s', async (_, codec) => {
    const queue = new JobQueue(store, { codec })
    const handler = vi.fn<(payload: unknown) => unknown>(() => ({ secret: 'answer' }))
    const worker = new QueueWorker(queue).register('a', ({ payload }) => handler(payload))
    await queue.enqueue([
      { id: '1', kind: 'A ', payload: { secret: 'question' } },
      { id: '2', kind: 'a' },
    ])
    await run(worker, queue, clock, 2)
    expect(handler.mock.calls).toEqual([[{ secret: 'question' }], [null]])
    const stored = await store.get('1')
    expect(JSON.stringify(stored)).not.toMatch(/secret/)
    expect(stored).toMatchObject({ status: 'DONE', result: expect.anything() as unknown })
    expect(await queue.get('1')).toMatchObject({
      payload: { secret: 'question' },
      result: { secret: 'answer' },
    })
    expect(await queue.result('1')).toEqual({ secret: 'answer' })
  })

  it('decodes for dequeue, and encodes what that returns', async () => {
    const queue = new JobQueue(store, { codec: later })
    await queue.enqueue({ id: '1', kind: 'a', payload: 'question' })
    const seen: unknown[] = []
    await queue.dequeue(['a'], async (job) => {
      seen.push(job.payload)
      return { ...job, status: 'DONE', result: 'answer' }
    })
    expect(seen).toEqual(['question'])
    expect((await store.get('1'))?.result).not.toBe('answer')
    expect(await queue.result('1')).toBe('answer')
  })

  it('that cannot decode a payload ends the job as PANIC before its handler, and leaves the payload', async () => {
    await new JobQueue(store).enqueue([
      { id: '1', kind: 'a', payload: 'plain' },
      { id: '2', kind: 'a', payload: 'plain' },
    ])
    const queue = new JobQueue(store, { codec: aes })
    const handler = vi.fn<() => void>()
    await queue.dequeue(['a'], async (job) => {
      handler()
      return job
    })
    await run(
      new QueueWorker(queue).register('a', handler).use((_, next) => next()),
      queue,
      clock,
    )
    expect(handler).not.toHaveBeenCalled()
    for (const id of ['1', '2']) {
      const job = await queue.get(id)
      expect(job).toMatchObject({ status: 'PANIC', payload: 'plain', attemptsDone: 1 })
      expect(job?.lastError).toMatch(/^panic: payload cannot be decoded: ./)
    }
  })

  it('that cannot decode a result gives the stored one', async () => {
    const plain = new JobQueue(store)
    await plain.enqueue({ id: '1', kind: 'a' })
    await plain.dequeue(['a'], async (job) => ({ ...job, status: 'DONE', result: 'plain' }))
    const queue = new JobQueue(store, { codec: aes })
    expect(await queue.result('1')).toBe('plain')
    expect(await queue.get('1')).toMatchObject({ payload: null, result: 'plain' })
  })
})

describe('a codec', () => {
  const codecOf = (encode: JobCodec['encode']): JobCodec => ({ encode, decode: (value) => value })
  const queueOf = (codec: JobCodec): JobQueue => new JobQueue(new MemoryJobStore({ clock }), { codec })
  const clock = new VirtualClock()

  it('gets values as they go through JSON, after their validation, with id and kind of the job', async () => {
    const encode = vi.fn<JobCodec['encode']>(() => 'encoded')
    const queue = queueOf(codecOf(encode))
    const dated = defineJob({ kind: 'A', input: z.object({ at: z.coerce.date() }) })
    await queue.enqueue(dated.job({ id: ' 1', payload: { at: new Date(0) } }))
    expect(encode.mock.calls).toEqual([[{ at: '1970-01-01T00:00:00.000Z' }, { id: '1', kind: 'a' }]])
    expect(await failureOf(queue.enqueue(dated.job({ payload: { at: 'never' } })))).toBeInstanceOf(
      ErrInvalidJob,
    )
    expect(encode).toHaveBeenCalledTimes(1)
  })

  test.each<[string, JobCodec['encode'], string]>([
    ['throws', () => Promise.reject(new Error('no key')), 'no key'],
    ['gives bytes', () => Buffer.from('x'), 'codec.encode of a payload: expected a JSON value; got'],
    ['gives nothing', () => undefined, 'codec.encode of a payload: expected a JSON value; got undefined'],
    ['gives too much', () => 'x'.repeat(5 * 2 ** 20), 'codec.encode of a payload: expected at most 4194304'],
  ])('that %s refuses the call, and nothing is stored', async (_, encode, message) => {
    const queue = queueOf(codecOf(encode))
    const error = await failureOf(queue.enqueue([{ kind: 'a' }, { kind: 'b' }]))
    expect(error.message).toContain(message)
    expect(await queue.counts()).toEqual({})
  })

  test.each<[string, unknown, JobCodec['encode'], RegExp]>([
    [
      'cannot encode a result',
      'ok',
      () => Promise.reject(new Error('no key')),
      /^panic: result cannot be encoded: no key$/,
    ],
    [
      'gives no JSON for a result',
      'ok',
      () => undefined,
      /^panic: codec\.encode of a result: expected a JSON value/,
    ],
    ['gets a result that is no JSON', new Map(), () => 'x', /^panic: result: expected a JSON value/],
  ])('that %s ends the job as PANIC', async (_, value, encode, lastError) => {
    let isStored = false
    const queue = queueOf(codecOf((given, job) => (isStored ? encode(given, job) : given)))
    await queue.enqueue({ id: '1', kind: 'a' })
    isStored = true
    await run(
      new QueueWorker(queue).register('a', () => value),
      queue,
      clock,
    )
    const job = await queue.get('1')
    expect(job).toMatchObject({ status: 'PANIC' })
    expect(job?.lastError).toMatch(lastError)
  })

  it('encodes the result of a job that is completed in a transaction', async () => {
    const store = new MemoryJobStore({ clock })
    const settle = vi.spyOn(store, 'settle').mockResolvedValue([])
    const queue = new JobQueue(store, { codec: codecOf((value) => ['encoded', value]) })
    await queue.enqueue({ id: '1', kind: 'a' })
    const [job] = await store.claim(['a'], 1, '1m')
    await queue.complete(job!, 'ok', { tx: { query: async () => ({ rows: [] }) } })
    expect(settle.mock.calls[0]![0]).toMatchObject([{ outcome: { result: '["encoded","ok"]' } }])
  })

  it('decodes the payload for retryIf too', async () => {
    const queue = queueOf({ encode: (value) => [value], decode: (value) => (value as unknown[])[0] })
    await queue.enqueue({ id: '1', kind: 'a', payload: 'question' })
    const asked: unknown[] = []
    const retryIf = (_: unknown, job: { payload: unknown }): boolean => {
      asked.push(job.payload)
      return false
    }
    const fails = (): Promise<never> => Promise.reject(new Error('no'))
    await run(new QueueWorker(queue).register('a', fails, { attempts: 2, retryIf }), queue, clock)
    expect(asked).toEqual(['question'])
    expect(await queue.get('1')).toMatchObject({ status: 'FAILED', payload: 'question' })
  })

  it('encodes many payloads of a call in their order', async () => {
    const queue = queueOf({ encode: async (value) => [value], decode: (value) => (value as unknown[])[0] })
    await queue.enqueue(Array.from({ length: 250 }, (_, at) => ({ id: `${at}`, kind: 'a', payload: at })))
    for (const at of [0, 99, 100, 249]) expect((await queue.get(`${at}`))?.payload).toBe(at)
  })

  test.each([[null], [{}], [{ encode: () => 1 }], [() => 1]])('%s is refused', (codec) => {
    expect(() => new JobQueue(new MemoryJobStore(), { codec: codec as never })).toThrow(
      'JobQueue: codec: expected an object with the functions encode and decode; got',
    )
  })
})
