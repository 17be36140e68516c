import { JobQueue } from 'runutil/queue'
import { VirtualClock } from 'runutil/testing'
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest'
import { failureOf } from '../support/outcome.ts'
import { type JobStoreMaker, kindsOfJobStore } from '../support/queue/job-stores.ts'

describe.each(kindsOfJobStore)('an id, in $name,', ({ open }) => {
  let stores: JobStoreMaker
  let queue: JobQueue
  beforeAll(async () => {
    stores = await open()
    queue = new JobQueue(await stores.fresh(new VirtualClock()))
    await queue.enqueue([
      { id: '1', kind: 'a' },
      { id: '\ufffd', kind: 'a' },
    ])
  })
  afterAll(() => stores?.close())

  it('is trimmed wherever it is given', async () => {
    expect(await queue.get(' 1\n')).toMatchObject({ id: '1' })
    expect(await queue.retryNow(' 1 ')).toBe(true)
    expect(await queue.cancel('\t1')).toBe(true)
    expect(await failureOf(queue.result(' 1 '))).toMatchObject({ code: 'ERR_JOB_FAILED', id: '1' })
  })

  test.each<[string, unknown]>([
    ['NUL', 'a\0'],
    ['half of a surrogate pair', '\ud800'],
    ['nothing', ''],
    ['blanks', ' '],
    ['10,000 characters', 'x'.repeat(10_000)],
    ['a number', 1],
    ['undefined', undefined],
  ])("of %s is no job's", async (_, id) => {
    const none = id as string
    expect(await queue.get(none)).toBeUndefined()
    expect(await queue.retryNow(none)).toBe(false)
    // What is no text may be meant as a query, which has to ask for something.
    if (typeof id === 'string') expect(await queue.cancel(none)).toBe(false)
    else expect(await failureOf(queue.cancel(none))).toMatchObject({ name: 'InvalidArgumentError' })
    expect(await failureOf(queue.result(none))).toMatchObject({ code: 'ERR_JOB_NOT_FOUND' })
  })
})
