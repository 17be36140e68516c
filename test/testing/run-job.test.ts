import { StaticBackoff, reportProgress, wait } from 'runutil'
import {
  type ClaimedJob,
  ErrInvalidJob,
  JobQueue,
  MemoryJobStore,
  QueueWorker,
  defineJob,
} from 'runutil/queue'
import { VirtualClock, runJob } from 'runutil/testing'
import { describe, expect, it, test } from 'vitest'
import { z } from 'zod'

const mail = defineJob({
  kind: 'mail',
  input: z.object({ to: z.string() }),
  attempts: 3,
  backoff: new StaticBackoff('1m'),
})

function fresh() {
  return new QueueWorker(new JobQueue(new MemoryJobStore()))
}

describe('runJob', () => {
  it('calls the handler with a job as a worker would, after its payload went through JSON', async () => {
    const clock = new VirtualClock()
    const seen: ClaimedJob[] = []
    const worker = fresh().register('mail', (job) => {
      seen.push(job)
      return { sentAt: new Date(clock.now()) }
    })
    const given = { id: ' 1 ', kind: 'Mail', payload: { at: new Date(0) }, key: 'k', priority: 2 }
    expect(await runJob(worker, given, { clock })).toEqual({
      id: '1',
      kind: 'mail',
      attempt: 1,
      status: 'DONE',
      result: { sentAt: '2000-01-01T00:00:00.000Z' },
    })
    expect(seen).toMatchObject([
      { id: '1', kind: 'mail', payload: { at: '1970-01-01T00:00:00.000Z' }, key: 'k', priority: 2 },
    ])
    expect(seen).toMatchObject([
      { status: 'PENDING', attempt: 1, attemptsDone: 0, isLastAttempt: true, runAt: new Date(clock.now()) },
    ])
  })

  it('gives the handler the results of the jobs that it runs after', async () => {
    const worker = fresh().register('ship', async (job) => Object.keys(await job.dependencies()))
    const job = { kind: 'ship', after: ['charge', 'pack'] }
    expect(await runJob(worker, job)).toMatchObject({ result: [] })
    const dependencies = { charge: { receipt: 17 }, pack: undefined }
    expect(await runJob(worker, { ...job, dependencies })).toMatchObject({ result: ['charge', 'pack'] })
  })

  it('asks the retry policy of the kind, for any attempt', async () => {
    const worker = fresh().register(mail, () => Promise.reject(new Error('no')))
    const job = mail.job({ payload: { to: 'ada' } })
    expect(await runJob(worker, job)).toMatchObject({ status: 'PENDING', retryAfterMs: 60_000 })
    expect(await runJob(worker, { ...job, attempt: 2 })).toMatchObject({ attempt: 2, status: 'PENDING' })
    const last = await runJob(worker, { ...job, attempt: 3 })
    expect(last).toMatchObject({ attempt: 3, status: 'FAILED', lastError: 'no', error: { message: 'no' } })
    expect(last).not.toHaveProperty('retryAfterMs')
  })

  it('validates in the middleware, as a run does', async () => {
    const caught: unknown[] = []
    const worker = fresh()
      .use((_, next) =>
        next().catch((error: unknown) => {
          caught.push(error)
          throw error
        }),
      )
      .register(mail, () => {})
    expect(await runJob(worker, { kind: 'mail', payload: { to: 7 } })).toMatchObject({
      status: 'PANIC',
      lastError: expect.stringMatching(/^panic: payload doesn't fit the schema: to/) as string,
    })
    expect(caught).toEqual([expect.any(ErrInvalidJob)])
  })

  test.each<[string, () => unknown, object]>([
    ['nothing', () => {}, { status: 'DONE' }],
    ['no JSON', () => () => {}, { status: 'PANIC', error: { code: 'ERR_INVALID_JOB' } }],
    [
      'a TypeError',
      () => {
        throw new TypeError('no')
      },
      { status: 'PANIC', error: { name: 'TypeError' }, lastError: 'panic: TypeError: no' },
    ],
    ['progress', () => reportProgress(1, 2), { status: 'DONE', progress: { done: 1, total: 2 } }],
  ])('judges a handler that ends with %s', async (_, handler, expected) => {
    expect(await runJob(fresh().register('a', handler), { kind: 'a' })).toMatchObject(expected)
  })

  it('has a clock for deadlines, and a signal for a stop', async () => {
    const clock = new VirtualClock()
    const worker = fresh().register(
      'a',
      (_, signal) => wait('1h', signal).then(() => signal.throwIfAborted()),
      { deadline: '1m' },
    )
    const late = runJob(worker, { kind: 'a' }, { clock })
    await clock.advance('1m')
    expect(await late).toMatchObject({ status: 'FAILED', error: { code: 'ERR_DEADLINE_EXCEEDED' } })
    const stop = new AbortController()
    const stopped = runJob(worker, { kind: 'a' }, { clock, signal: stop.signal })
    stop.abort(new Error('shutdown'))
    expect(await stopped).toMatchObject({
      status: 'PENDING',
      lastError: expect.stringMatching(/^aborted: /) as string,
      retryAfterMs: 5_000,
    })
    expect(clock.pending).toBe(0)
  })

  test.each<[unknown, string]>([
    [{ kind: 'nail' }, "no handler is registered for kind 'nail'; registered: mail"],
    [{ kind: 'mail', data: 1 }, "job: unknown field 'data'; did you mean 'payload'?"],
    [{ kind: 'mail', payload: undefined }, 'job.payload: expected'],
    [undefined, 'job: expected an object'],
    [[{ kind: 'mail' }], 'runJob: job: expected one job; got'],
    [{ kind: 'mail', attempt: 0 }, 'runJob: attempt: expected a whole number of 1 or more; got 0'],
  ])('refuses %j', async (job, message) => {
    await expect(
      runJob(
        fresh().register(mail, () => {}),
        job as never,
      ),
    ).rejects.toThrow(message)
  })

  it('refuses a worker that is none, and bad options', async () => {
    const worker = fresh().register(mail, () => {})
    await expect(runJob({} as never, { kind: 'a' })).rejects.toThrow('runJob: expected a QueueWorker; got')
    await expect(runJob(worker, { kind: 'a' }, { signal: {} as never })).rejects.toThrow(
      'runJob: signal: expected an AbortSignal; got',
    )
    await expect(runJob(worker, { kind: 'a' }, { at: 1 } as never)).rejects.toThrow("unknown option 'at'")
  })
})
