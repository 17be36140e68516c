import { InvalidArgumentError } from 'runutil'
import { type JobPage, type JobQuery, JobQueue, MemoryJobStore } from 'runutil/queue'
import { describe, expect, it } from 'vitest'

const RANGE = { gte: new Date(0) }

function queueOf(...ids: string[]): Promise<JobQueue> {
  const queue = new JobQueue(new MemoryJobStore())
  return queue.enqueue(ids.map((id) => ({ id, kind: 'a' }))).then(() => queue)
}

describe('list', () => {
  it('gives 50 jobs unless a limit says otherwise', async () => {
    const queue = await queueOf(...Array.from({ length: 60 }, (_, at) => `${at}`))
    const { jobs, next } = await queue.list()
    expect(jobs.map(({ id }) => id)).toEqual(Array.from({ length: 50 }, (_, at) => `${59 - at}`))
    const last = await queue.list({}, { after: next })
    expect(last.jobs).toHaveLength(10)
    expect('next' in last).toBe(false)
    expect((await queue.list(undefined, { limit: 1_000 })).jobs).toHaveLength(60)
  })

  it.each<[JobQuery, string]>([
    [{ knid: 'a' } as never, "list: unknown option 'knid'; did you mean 'kind'?"],
    [{ kind: '' }, `list: kind: expected a string that isn't empty; got ""`],
    [{ kind: 7 } as never, 'list: kind: expected a string; got 7'],
    [{ key: ' ' }, `list: key: expected a string that isn't empty; got " "`],
    [{ idPrefix: '' }, `list: idPrefix: expected a string that isn't empty; got ""`],
    [
      { idPrefix: 'a\0' },
      'list: idPrefix: expected text without NUL characters and unpaired surrogates; got "a\\u0000"',
    ],
    [
      { status: 'done' } as never,
      `list: status: expected one of PENDING, DONE, FAILED, PANIC, WAITING, BLOCKED, RUNNING; got "done"; did you mean 'DONE'?`,
    ],
    [
      { status: ['FAILED'] } as never,
      'list: status: expected one of PENDING, DONE, FAILED, PANIC, WAITING, BLOCKED, RUNNING; got an array of 1',
    ],
    [
      { createdAt: new Date(0) } as never,
      'list: createdAt: expected a Date as gte, gt, lt or lte; got an instance of Date',
    ],
    [{ createdAt: {} }, 'list: createdAt: expected a Date as gte, gt, lt or lte; got an object {  }'],
    [
      { runAt: { gte: undefined } },
      'list: runAt: expected a Date as gte, gt, lt or lte; got an object { gte }',
    ],
    [
      { endedAt: { after: new Date(0) } } as never,
      "list: endedAt: unknown option 'after'; known are gte, gt, lt, lte",
    ],
    [{ endedAt: { gte: '2026-01-01' } } as never, 'list: endedAt.gte: expected a Date; got "2026-01-01"'],
    [
      { endedAt: { gte: new Date(NaN) } },
      'list: endedAt.gte: expected a Date; got an instance of Date that is invalid',
    ],
    [{ error: 'no' } as never, 'list: error: expected an options object { contains }; got "no"'],
    [
      { kind: 'a', error: { contains: '' } },
      `list: error.contains: expected a string that isn't empty; got ""`,
    ],
  ])('refuses a query that means nothing: %o', async (query, message) => {
    const queue = await queueOf('1')
    const refusal = await queue.list(query).catch((error: unknown) => error)
    expect(refusal).toBeInstanceOf(InvalidArgumentError)
    expect((refusal as Error).message).toBe(message)
  })

  it('says what a query needs to find its jobs', async () => {
    const queue = await queueOf('1')
    await expect(queue.list({ status: 'DONE', kind: 'a' })).rejects.toThrow(
      "list: status 'DONE' needs a range of ends; add endedAt, such as { gte: anHourAgo }",
    )
    await expect(queue.list({ error: { contains: 'no' }, status: 'FAILED' })).rejects.toThrow(
      'list: error needs a kind or a range; add kind, or createdAt, runAt or endedAt',
    )
    await queue.list({ status: 'DONE', endedAt: RANGE })
    await queue.list({ error: { contains: 'no' }, kind: 'a' })
    for (const range of ['createdAt', 'runAt', 'endedAt']) {
      await queue.list({ error: { contains: 'no' }, [range]: RANGE })
    }
  })

  it.each<[JobPage, string]>([
    [{ limit: 0 }, 'list: limit: expected a whole number from 1 to 1000; got 0'],
    [{ limit: 1_001 }, 'list: limit: expected a whole number from 1 to 1000; got 1001'],
    [{ limit: 1.5 }, 'list: limit: expected a whole number from 1 to 1000; got 1.5'],
    [{ offset: 1 } as never, "list: unknown option 'offset'; known are limit, after"],
    [{ after: 'MTIz' }, `list: after: expected the 'next' of another page; got "MTIz"`],
    [{ after: '' }, `list: after: expected the 'next' of another page; got ""`],
    [{ after: 7 } as never, `list: after: expected the 'next' of another page; got 7`],
  ])('refuses a page that there is not: %o', async (page, message) => {
    const queue = await queueOf('1')
    await expect(queue.list({}, page)).rejects.toThrow(new InvalidArgumentError(message))
  })

  it('refuses the cursor of another query, and one that was changed', async () => {
    const queue = await queueOf('1', '2', '3')
    const { next } = await queue.list({ kind: 'a' }, { limit: 1 })
    const refused = (query: JobQuery, after: string) => expect(queue.list(query, { after })).rejects
    await refused({}, next!).toThrow('got that of another')
    await refused({ kind: 'b' }, next!).toThrow('got that of another')
    const text = Buffer.from(next!, 'base64url').toString()
    await refused({ kind: 'a' }, Buffer.from(text.replace('3', '2')).toString('base64url')).toThrow(
      'got that of another',
    )
    await refused({ kind: 'a' }, next!.slice(0, -3)).toThrow(InvalidArgumentError)
    expect((await queue.list({ kind: ' A', key: undefined }, { after: next })).jobs).toHaveLength(2)
  })

  it('gives decoded payloads and results', async () => {
    const queue = new JobQueue(new MemoryJobStore(), {
      codec: {
        encode: (value) => ({ sealed: value }),
        decode: (value) => (value as { sealed: unknown }).sealed,
      },
    })
    await queue.enqueue({ id: '1', kind: 'a', payload: 'secret' })
    await queue.dequeue(['a'], async (job) => ({ ...job, status: 'DONE', result: 'too' }))
    const { jobs } = await queue.list()
    expect(jobs).toMatchObject([{ payload: 'secret', result: 'too', status: 'DONE' }])
  })
})
