import fc from 'fast-check'
import { ErrJobExists } from 'runutil/queue'
import { describe, expect, it } from 'vitest'
import { failureOf } from '../support/outcome.ts'
import { freshQueue } from '../support/queue/fresh-queue.ts'

describe('a call is refused for ids', () => {
  it('that is given twice, also where only blanks tell them apart', async () => {
    const { queue } = freshQueue()
    const jobs = ['1', '2', ' 1', '3', '2 ', '1'].map((id) => ({ id, kind: 'a' }))
    const error = await failureOf<ErrJobExists>(queue.enqueue(jobs))
    expect(error).toBeInstanceOf(ErrJobExists)
    expect(error.ids).toEqual(['1', '2'])
    expect(await queue.counts()).toEqual({})
  })

  it('that is given twice, wherever that is, in ids that count up or in any order', async () => {
    const id = fc.oneof(
      fc.nat(20).map((nth) => `job-${nth}`),
      fc.string({ minLength: 1, maxLength: 2 }),
    )
    const counted = fc
      .array(fc.nat(200), { maxLength: 20 })
      .map((all) => all.toSorted((a, b) => a - b).map(String))
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.array(id, { maxLength: 20 }), counted), async (given) => {
        const ids = given.filter((each) => each.trim() !== '')
        const { queue } = freshQueue()
        const trimmed = ids.map((each) => each.trim())
        const twice = trimmed.filter((each, at) => trimmed.indexOf(each) < at)
        const enqueued = queue.enqueue(ids.map((each) => ({ id: each, kind: 'a' })))
        if (twice.length === 0) expect(await enqueued).toHaveLength(ids.length)
        else expect(new Set((await failureOf<ErrJobExists>(enqueued)).ids)).toEqual(new Set(twice))
      }),
    )
  })

  it('that exist, which the error names; of many, the first ten', async () => {
    const { queue } = freshQueue()
    const jobs = Array.from({ length: 12 }, (_, at) => ({ id: `${at}`, kind: 'a' }))
    await queue.enqueue(jobs)
    const error = await failureOf<ErrJobExists>(queue.enqueue([{ id: 'new', kind: 'a' }, ...jobs]))
    expect(error).toMatchObject({
      name: 'ErrJobExists',
      code: 'ERR_JOB_EXISTS',
      ids: jobs.map(({ id }) => id),
    })
    expect(error.message).toMatch(/"0", "1", .*"9" and 2 more$/)
    expect(await queue.get('new')).toBeUndefined()
  })
})
