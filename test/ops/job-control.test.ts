import { JobQueue, MemoryJobStore, QueueWorker } from 'runutil/queue'
import { VirtualClock, drain } from 'runutil/testing'
import { describe, expect, test } from 'vitest'
import type { JobVerb } from '../../packages/runutil/src/ops/control/control.ts'
import { type Answer, type Controlled, ada, controlledRun } from '../support/ops/controlled-run.ts'
import { like } from '../support/ops/like.ts'

interface Jobs extends Controlled {
  readonly queue: JobQueue
  /** Enqueues jobs of kind 'mail', and ends those named 'fail…' and 'done…' as they say. */
  readonly add: (...ids: string[]) => Promise<void>
  readonly many: (verb: JobVerb, asked: unknown) => Promise<Answer>
}

async function jobs(): Promise<Jobs> {
  const clock = new VirtualClock()
  const queue = new JobQueue(new MemoryJobStore({ clock }))
  const worker = new QueueWorker(queue).register(
    'mail',
    ({ id }) => {
      if (id.startsWith('fail')) throw new Error('no such address')
    },
    { attempts: 1 },
  )
  const run = await controlledRun([], { queue }, clock)
  const add = async (...ids: string[]): Promise<void> => {
    await queue.enqueue(ids.map((id) => ({ id, kind: 'mail', delay: /^(fail|done)/.test(id) ? 0 : '1d' })))
    await drain(queue, worker, { clock })
    await clock.advance(1_000)
  }
  const many = (verb: JobVerb, asked: unknown): Promise<Answer> =>
    run.call((control) => control.jobs(verb, asked, ada))
  return { ...run, queue, add, many }
}

const statusOf = async ({ queue }: Jobs, ...ids: string[]): Promise<unknown[]> =>
  Promise.all(ids.map(async (id) => (await queue.get(id))?.status))

describe('control of one job', () => {
  test('retries a failed one, cancels one that waits, deletes what has ended', async () => {
    const it = await jobs()
    await it.add('fail 1', 'done 1', 'wait/1')
    for (const [id, verb, after] of [
      ['fail 1', 'retry', 'PENDING'],
      ['wait/1', 'cancel', 'FAILED'],
      ['done 1', 'delete', undefined],
    ] as const) {
      expect(await it.call((control) => control.job(id, verb, ada))).toEqual({
        status: 200,
        body: { id, changed: 1 },
      })
      expect(await statusOf(it, id)).toEqual([after])
    }
    await it.end()
  })

  test('is 404 without such a job, and 409 when its state does not allow it', async () => {
    const it = await jobs()
    await it.add('fail', 'done', 'wait')
    await it.queue.enqueue({ id: 'run', kind: 'other' })
    const [claimed] = await it.queue.store.claim(['other'], 1, '1m')
    expect(claimed?.id).toBe('run')
    const all: [string, JobVerb, number, RegExp][] = [
      ['nobody', 'retry', 404, /no job with the id 'nobody'/],
      ['nobody', 'cancel', 404, /no job/],
      ['nobody', 'delete', 404, /no job/],
      ['', 'cancel', 404, /no job/],
      ['done', 'retry', 409, /only a FAILED or PANIC job can be retried; it is DONE/],
      ['wait', 'retry', 409, /it is PENDING/],
      ['done', 'cancel', 409, /only a job that has not ended/],
      ['run', 'delete', 409, /a job that runs can not be deleted/],
    ]
    for (const [id, verb, status, says] of all) {
      const answer = await it.call((control) => control.job(id, verb, ada))
      expect(answer, `${verb} ${id}`).toMatchObject({ status, message: like(says) })
    }
    await it.end()
  })
})

describe('control of all jobs that match', () => {
  test('is counted first, and then done to those that were counted', async () => {
    const it = await jobs()
    await it.add('fail 1', 'fail 2', 'done 1', 'wait 1')
    const query = { kind: 'mail', status: 'FAILED' }
    const counted = (await it.many('retry', { query, dryRun: true })) as {
      body: { asOf: string; count: number }
    }
    expect(counted).toEqual({ status: 200, body: { asOf: expect.any(String) as string, count: 2 } })
    expect(await statusOf(it, 'fail 1')).toEqual(['FAILED'])
    // These came to match after that.
    await it.add('fail 3', 'fail 4')
    expect(await it.many('retry', { query, ...counted.body })).toEqual({ status: 200, body: { changed: 2 } })
    const after = await statusOf(it, 'fail 1', 'fail 2', 'fail 3', 'fail 4', 'done 1', 'wait 1')
    expect(after).toEqual(['PENDING', 'PENDING', 'FAILED', 'FAILED', 'DONE', 'PENDING'])
    await it.end()
  })

  test('counts only what the verb can change', async () => {
    const it = await jobs()
    await it.add('fail 1', 'fail 2', 'done 1', 'wait 1', 'wait 2', 'wait 3')
    await it.queue.enqueue({ id: 'run', kind: 'other' })
    await it.queue.store.claim(['other'], 1, '1m')
    const since = { createdAt: { gte: new Date(0).toISOString() } }
    const counts: [JobVerb, object, number][] = [
      ['retry', since, 2],
      ['cancel', since, 4],
      ['cancel', { kind: 'mail' }, 3],
      ['delete', since, 6],
      ['delete', { 'createdAt.gte': new Date(0).toISOString() }, 6],
      ['delete', { status: 'PENDING' }, 3],
      ['delete', { endedAt: { gte: new Date(0).toISOString() } }, 3],
      ['delete', { kind: 'none' }, 0],
      ['retry', { status: 'WAITING' }, 0],
      ['cancel', { status: 'RUNNING' }, 1],
      ['retry', { kind: 'mail', error: { contains: 'such' } }, 2],
      ['cancel', { idPrefix: 'wait' }, 3],
    ]
    for (const [verb, query, count] of counts) {
      const answer = await it.many(verb, { query, dryRun: true })
      expect(answer, `${verb} ${JSON.stringify(query)}`).toMatchObject({ status: 200, body: { count } })
    }
    const { body } = (await it.many('delete', { query: since, dryRun: true })) as { body: object }
    expect(await it.many('delete', { query: since, ...body })).toEqual({ status: 200, body: { changed: 6 } })
    expect(await statusOf(it, 'run', 'wait 1', 'done 1', 'fail 1')).toEqual([
      'PENDING',
      undefined,
      undefined,
      undefined,
    ])
    await it.end()
  })

  test('is refused when more match than were counted, and changes nothing then', async () => {
    const it = await jobs()
    await it.add('wait 1', 'wait 2', 'wait 3')
    const query = { kind: 'mail' }
    const { body } = (await it.many('cancel', { query, dryRun: true })) as { body: { asOf: string } }
    expect(await it.many('cancel', { query, asOf: body.asOf, count: 2 })).toMatchObject({
      status: 409,
      code: 'stale',
      message: like(/more than 2 jobs match as of/),
    })
    expect(await statusOf(it, 'wait 1', 'wait 2', 'wait 3')).toEqual(['PENDING', 'PENDING', 'PENDING'])
    // Fewer are no surprise.
    await it.queue.cancel('wait 3')
    expect(await it.many('cancel', { query, asOf: body.asOf, count: 3 })).toMatchObject({
      body: { changed: 2 },
    })
    await it.end()
  })

  test('leaves what failed again since as it is', async () => {
    const it = await jobs()
    await it.add('fail 1', 'fail 2')
    const query = { kind: 'mail' }
    const { body } = (await it.many('retry', { query, dryRun: true })) as { body: object }
    await it.queue.retry('fail 1')
    await it.add('done 9')
    expect(await statusOf(it, 'fail 1')).toEqual(['FAILED'])
    expect(await it.many('retry', { query, ...body })).toMatchObject({ body: { changed: 1 } })
    expect(await statusOf(it, 'fail 1', 'fail 2')).toEqual(['FAILED', 'PENDING'])
    await it.end()
  })

  test.each([
    ['many jobs', 500, 201],
    ['jobs so far apart that pages are empty', 0, 1_001],
  ])('is refused for so %s that they cannot be counted', async (_, found, pages) => {
    const { queue, end } = await jobs()
    await queue.enqueue({ id: '1', kind: 'mail' })
    const job = (await queue.get('1'))!
    let asked = 0
    const endless = { listSummaries: async () => ({ jobs: Array(found).fill(job), next: `page ${++asked}` }) }
    const run = await controlledRun([], { queue: endless as unknown as JobQueue })
    const answer = run.call((control) =>
      control.jobs('cancel', { query: { kind: 'mail' }, dryRun: true }, ada),
    )
    expect(await answer).toMatchObject({ status: 409, code: 'too-many', message: like('narrow the query') })
    expect(asked).toBe(pages)
    await run.end()
    await end()
  })

  test.each([
    { 'createdAt.gte': '2999-01-01', createdAt: { lt: '3000-01-01' } },
    { createdAt: { lt: '3000-01-01' }, 'createdAt.gte': '2999-01-01' },
    { 'createdAt.gte': '2999-01-01', 'createdAt.lt': '3000-01-01' },
  ])('keeps all ends of a range, in whatever order they come: %j', async (range) => {
    const it = await jobs()
    await it.add('fail 1')
    const query = { kind: 'mail', ...range }
    expect(await it.many('delete', { query, dryRun: true })).toMatchObject({ body: { count: 0 } })
    await it.end()
  })

  test('takes a status in any case, as in an address', async () => {
    const it = await jobs()
    await it.add('fail 1')
    const query = { status: 'failed' }
    expect(await it.many('retry', { query, dryRun: true })).toMatchObject({ body: { count: 1 } })
    await it.end()
  })

  const asOf = '2030-01-01T00:00:00.000Z'
  test.each<[unknown, RegExp]>([
    [undefined, /options object/],
    [[], /options object/],
    ['all', /options object/],
    [{ dryRun: true }, /retry: query: expected a query/],
    [{ query: 'mail', dryRun: true }, /expected a query/],
    [{ query: {}, dryRun: true }, /asks for something/],
    [{ query: { kind: 'mail' } }, /asOf: expected a time/],
    [{ query: { kind: 'mail' }, asOf }, /count: expected a whole number/],
    [{ query: { kind: 'mail' }, count: 3 }, /asOf: expected a time/],
    [{ query: { kind: 'mail' }, asOf: 'now', count: 3 }, /asOf: expected a time/],
    [{ query: { kind: 'mail' }, asOf: 5, count: 3 }, /asOf: expected a time/],
    [{ query: { kind: 'mail' }, asOf, count: -1 }, /count: expected a whole number/],
    [{ query: { kind: 'mail' }, asOf, count: '3' }, /count: expected a whole number/],
    [{ query: { kind: 'mail' }, dryRun: false, asOf, count: 3 }, /dryRun: expected true, or nothing/],
    [{ query: { kind: 'mail' }, dryRun: true, limit: 3 }, /unknown option 'limit'/],
    [{ query: { kin: 'mail' }, dryRun: true }, /did you mean 'kind'/],
    [{ query: { status: 'FALED' }, dryRun: true }, /did you mean 'FAILED'/],
    [{ query: { kind: 5 }, dryRun: true }, /kind/],
    [{ query: { createdAt: { gte: 'yesterday' } }, dryRun: true }, /createdAt.gte: expected a time/],
    [{ query: { createdAt: 'today' }, dryRun: true }, /createdAt/],
    [{ query: { 'createdAt.since': asOf }, dryRun: true }, /since/],
    [{ query: { 'kind.is.not': 'mail' }, dryRun: true }, /unknown option/],
    [{ query: { kind: 'mail', 'kind.gte': 'mail' }, dryRun: true }, /query: kind: expected it once/],
    [
      { query: { 'createdAt.gte': asOf, createdAt: asOf }, dryRun: true },
      /query: createdAt: expected it once/,
    ],
    [{ query: { 'createdAt.gte': asOf, createdAt: { gte: asOf } }, dryRun: true }, /expected it once/],
    [
      JSON.parse('{"query":{"kind":"mail","__proto__":{"key":"x"}},"dryRun":true}'),
      /unknown option '__proto__'/,
    ],
    [JSON.parse('{"query":{"kind":"mail","__proto__.key":"x"},"dryRun":true}'), /unknown option '__proto__'/],
  ])('refuses %j', async (asked, says) => {
    const it = await jobs()
    expect(await it.many('retry', asked)).toMatchObject({
      status: 400,
      code: 'bad-request',
      message: like(says),
    })
    await it.end()
  })
})

describe('control of a kind', () => {
  test('pauses and resumes it in the store, whatever its letters', async () => {
    const it = await jobs()
    expect(await it.call((control) => control.kind('Mail', 'pause', ada))).toEqual({
      status: 200,
      body: { kind: 'Mail', paused: true },
    })
    expect(await it.queue.paused()).toEqual(['mail'])
    await it.call((control) => control.kind('mail', 'resume', ada))
    expect(await it.queue.paused()).toEqual([])
    expect(await it.call((control) => control.kind(' ', 'pause', ada))).toMatchObject({ status: 400 })
    await it.end()
  })

  test('is a 404 in a program without a queue', async () => {
    const run = await controlledRun([])
    for (const call of [
      run.call((control) => control.kind('mail', 'pause', ada)),
      run.call((control) => control.job('1', 'retry', ada)),
      run.call((control) => control.jobs('retry', {}, ada)),
      run.call((control) => control.spec('a/b', 'pause', undefined, ada)),
    ])
      expect(await call).toMatchObject({
        status: 404,
        message: like(/give it to the OpsServer/),
      })
    await run.end()
  })
})
