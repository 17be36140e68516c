import { ErrInvalidJob, ErrUnknownKind, type JobInput, QueueWorker } from 'runutil/queue'
import { describe, expect, it, test } from 'vitest'
import { failureOf } from '../support/outcome.ts'
import { freshQueue } from '../support/queue/fresh-queue.ts'

const MEGABYTE = 2 ** 20

describe('a job is stored', () => {
  test.each<[string, Partial<JobInput>, object]>([
    ['with its id trimmed', { id: ' \n1\t' }, { id: '1' }],
    ['with its kind trimmed and in lower case', { kind: ' Send-MAIL ' }, { kind: 'send-mail' }],
    ['with a payload that is left out as null', {}, { payload: null }],
    ['with a payload of 4 MiB', { payload: 'x'.repeat(4 * MEGABYTE - 2) }, {}],
    ['with an id of 500 characters', { id: 'x'.repeat(500) }, { id: 'x'.repeat(500) }],
    ['with the least and the greatest date', { runAt: new Date(0) }, { runAt: new Date(Date.UTC(2000, 0)) }],
    ['with an emoji in id and kind', { id: '🎉', kind: '🎉' }, { id: '🎉', kind: '🎉' }],
    ["with fields that aren't its input dropped", { ...foreign() }, { status: 'PENDING', attemptsDone: 0 }],
  ])('%s', async (_, given, stored) => {
    const { queue } = freshQueue()
    await queue.enqueue({ id: '1', kind: 'a', ...given })
    const job = await queue.get((given.id ?? '1').trim())
    expect(job).toMatchObject(stored)
    expect(job).not.toHaveProperty('result')
    expect(job).not.toHaveProperty('lastError')
  })

  it('as its payload was at the call, whatever becomes of the object', async () => {
    const { queue } = freshQueue()
    const payload = { list: [1] }
    const enqueued = queue.enqueue({ id: '1', kind: 'a', payload })
    payload.list.push(2)
    await enqueued
    expect((await queue.get('1'))?.payload).toEqual({ list: [1] })
  })

  it('of a list that is empty, none', async () => {
    const { queue } = freshQueue()
    await queue.enqueue([])
    expect(await queue.counts()).toEqual({})
  })
})

/** As they come from JavaScript, or past the compiler. */
const wrong: [string, unknown, string][] = [
  ['nothing', undefined, 'job: expected an object { kind, id?, payload?, runAt?, … }; got undefined'],
  ['null', null, 'job: expected an object'],
  ['a string', 'mail', 'job: expected an object { kind, id?, payload?, runAt?, … }; got "mail"'],
  ['null as id', { id: null, kind: 'a' }, 'job.id: expected a string; got null'],
  ['an empty id', { id: '', kind: 'a' }, `job.id: expected a string that isn't empty; got ""`],
  ['an id of blanks', { id: ' \n\t\u00a0', kind: 'a' }, `job.id: expected a string that isn't empty`],
  ['a number as id', { id: 7, kind: 'a' }, 'job.id: expected a string; got 7'],
  [
    'an id that is too long',
    { id: 'x'.repeat(501), kind: 'a' },
    'job.id: expected at most 500 characters; got 501',
  ],
  ['NUL in the id', { id: 'a\0b', kind: 'a' }, 'job.id: expected text without NUL characters'],
  ['NUL at the end of the id', { id: 'a\0', kind: 'a' }, 'job.id: expected text without NUL characters'],
  ['half of a surrogate pair in the id', { id: '\ud83c', kind: 'a' }, 'job.id: expected text without NUL'],
  ['no kind', { id: '1' }, 'job.kind: expected a string; got undefined'],
  ['an empty kind', { id: '1', kind: '  ' }, `job.kind: expected a string that isn't empty; got "  "`],
  [
    'a kind of 10,000 characters',
    { id: '1', kind: 'k'.repeat(10_000) },
    'expected at most 200 characters; got 10000',
  ],
  ['NUL in the kind', { id: '1', kind: '\0' }, 'job.kind: expected text without NUL characters'],
  ['a negative delay', { delay: -1 }, 'job.delay: expected a duration of 0 or more'],
  ['a delay of NaN', { delay: NaN }, 'job.delay: expected a duration of 0 or more'],
  ['a delay that no store can hold', { delay: Infinity }, 'job.delay: expected at most 100000000000000 ms'],
  ['a delay that is null', { delay: null }, 'job.delay: expected a duration of 0 or more'],
  ['a delay that is a date', { delay: new Date(0) }, 'job.delay: expected a duration of 0 or more'],
  ['a time and a delay', { runAt: new Date(), delay: '1s' }, 'job: expected runAt or delay; got both'],
  [
    'a field that no job has',
    { colour: 'red' },
    "job: unknown field 'colour'; known are id, kind, payload, runAt,",
  ],
  ['a misspelt field', { priorty: 1 }, "job: unknown field 'priorty'; did you mean 'priority'?"],
  [
    'a field in another notation',
    { run_at: new Date() },
    "job: unknown field 'run_at'; did you mean 'runAt'?",
  ],
  ...(
    [
      ['data', 'payload'],
      ['body', 'payload'],
      ['args', 'payload'],
      ['delay_ms', 'delay'],
      ['delayMs', 'delay'],
      ['scheduled_at', 'runAt'],
      ['jobId', 'id'],
      ['constructor', undefined],
    ] as const
  ).map<[string, unknown, string]>(([field, meant]) => [
    `the field ${field}`,
    { [field]: 1 },
    `job: unknown field '${field}'; ${meant === undefined ? 'known are' : `did you mean '${meant}'?`}`,
  ]),
  [
    'attempts, which its kind has',
    { attempts: 3 },
    "job: unknown field 'attempts'; it is an option of a kind: give it to register() or defineJob()",
  ],
  [
    "another queue's word for the retention of its worker",
    { removeOnComplete: true },
    "job: unknown field 'removeOnComplete'; 'retention' is an option of the worker: give it to new QueueWorker()",
  ],
  ['an invalid date', { runAt: new Date('soon') }, 'job.runAt: expected a Date; got an invalid date'],
  [
    'a date after the year 9999',
    { runAt: new Date(8.64e15) },
    'job.runAt: expected a Date; got an invalid date',
  ],
  ['a number as date', { runAt: 5 }, 'job.runAt: expected a Date; got 5'],
  ['a text as date', { runAt: '2030-01-01' }, 'job.runAt: expected a Date; got "2030-01-01"'],
  ['null as date', { runAt: null }, 'job.runAt: expected a Date; got null'],
  [
    'a payload that is undefined',
    { payload: undefined },
    'job.payload: expected a JSON value; got undefined',
  ],
  [
    'a payload that runs in a circle',
    { payload: circle() },
    'job.payload: expected a JSON value; Converting circ',
  ],
  [
    'a payload with a BigInt',
    { payload: { a: [1n] } },
    'job.payload: expected a JSON value; Do not know how',
  ],
  [
    'a payload with a function',
    { payload: { f() {} } },
    'job.payload.f: expected a JSON value; got function f',
  ],
  ['a payload with NaN', { payload: [NaN] }, 'job.payload[0]: expected a JSON value; got NaN'],
  [
    'a payload with undefined',
    { payload: [undefined] },
    'job.payload[0]: expected a JSON value; got undefined',
  ],
  [
    'a payload nested without end',
    { payload: nested(50_000) },
    'job.payload: expected a JSON value; Maximum',
  ],
  [
    'a payload of 10 MB',
    { payload: 'x'.repeat(10 * MEGABYTE) },
    'expected at most 4194304 characters of JSON',
  ],
  [
    'a priority that is half',
    { priority: 0.5 },
    'job.priority: expected a whole number from -2147483647 to 2147483647; got 0.5',
  ],
  [
    'a priority that is too high',
    { priority: 2 ** 31 },
    'job.priority: expected a whole number from -2147483647 to 2147483647',
  ],
  [
    'a priority that is NaN',
    { priority: NaN },
    'job.priority: expected a whole number from -2147483647 to 2147483647; got NaN',
  ],
  [
    'a priority that is a text',
    { priority: '1' },
    'job.priority: expected a whole number from -2147483647 to 2147483647; got "1"',
  ],
  ['an empty key', { key: '' }, `job.key: expected a string that isn't empty; got ""`],
  ['a key that is null', { key: null }, 'job.key: expected a string; got null'],
  ['a key that is too long', { key: 'k'.repeat(301) }, 'job.key: expected at most 300 characters; got 301'],
  ['NUL in the key', { key: 'a\0' }, 'job.key: expected text without NUL characters'],
]

describe('refused, and nothing is stored', () => {
  const filled = (given: unknown): JobInput => {
    const isPart = typeof given === 'object' && given !== null && !('id' in given) && !('kind' in given)
    return (isPart ? { id: '1', kind: 'a', ...given } : given) as JobInput
  }

  test.each(wrong)('%s', async (_, given, message) => {
    const { queue } = freshQueue()
    const error = await failureOf(queue.enqueue(filled(given)))
    expect(error).toBeInstanceOf(ErrInvalidJob)
    expect(error).toMatchObject({ name: 'ErrInvalidJob', code: 'ERR_INVALID_JOB' })
    expect(error.message).toContain(message)
    // However wrong what came is.
    expect(error.message.length).toBeLessThan(400)
    expect(await queue.counts()).toEqual({})
  })

  test.each(wrong)('%s, in the midst of others', async (_, given, message) => {
    const { queue } = freshQueue()
    const good = ['x', 'y', 'z'].map((id) => ({ id, kind: 'a' }))
    const error = await failureOf(queue.enqueue([...good, filled(given)]))
    expect(error).toBeInstanceOf(ErrInvalidJob)
    expect(error.message).toContain(message.replace('job', 'jobs[3]'))
    expect(await queue.counts()).toEqual({})
  })

  it('a kind and its data, as other queues take them', async () => {
    const { queue } = freshQueue()
    const worker = new QueueWorker(queue).register('mail', () => {})
    for (const enqueues of [queue, worker]) {
      const error = await failureOf(enqueues.enqueue('mail' as never, { to: 'ada' } as never))
      expect(error).toBeInstanceOf(ErrInvalidJob)
      expect(error.message).toContain(
        'job: expected an object { kind, id?, payload?, runAt?, … }; got "mail"',
      )
    }
  })

  test.each(wrong)('%s, through a worker', async (_, given) => {
    const { queue } = freshQueue()
    const worker = new QueueWorker(queue).register('a', () => {})
    expect(await failureOf(worker.enqueue(filled(given)))).toBeInstanceOf(ErrInvalidJob)
    expect(await queue.counts()).toEqual({})
  })

  it('through a worker, a kind that it has no handler for', async () => {
    const { queue } = freshQueue()
    const worker = new QueueWorker(queue).register('a', () => {}).register('b', () => {})
    const jobs = [
      { id: '1', kind: 'A ' },
      { id: '2', kind: 'c' },
    ]
    const error = await failureOf<ErrUnknownKind>(worker.enqueue(jobs))
    expect(error).toMatchObject({ name: 'ErrUnknownKind', code: 'ERR_UNKNOWN_KIND', kind: 'c' })
    expect(error.message).toBe(`no handler is registered for kind 'c'; registered: a, b`)
    expect(await queue.counts()).toEqual({})
    await worker.enqueue(jobs[0]!)
    expect(await queue.get('1')).toMatchObject({ kind: 'a' })
  })

  it('with a transaction, in memory', async () => {
    const { queue } = freshQueue()
    const tx = { query: async () => ({ rows: [] }) }
    const error = await failureOf(queue.enqueue({ id: '1', kind: 'a' }, { tx }))
    expect(error.message).toBe('MemoryJobStore does not support { tx }')
    expect(await queue.counts()).toEqual({})
  })
})

function foreign(): object {
  return { status: 'DONE', attemptsDone: 9, result: 1, lastError: 'x', lastAttemptAt: new Date(0), claim: 4 }
}

function circle(): object {
  const self: { self?: object } = {}
  return Object.assign(self, { self })
}

function nested(depth: number): object {
  let value = {}
  for (let level = 0; level < depth; level++) value = { a: value }
  return value
}
