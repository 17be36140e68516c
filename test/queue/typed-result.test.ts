import { InvalidArgumentError } from 'runutil'
import { JobQueue, MemoryJobStore, defineJob } from 'runutil/queue'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import { failureOf } from '../support/outcome.ts'

const resize = defineJob({
  kind: 'Resize',
  output: z.object({ bytes: z.number().transform(String) }),
})

async function ended(after: object): Promise<JobQueue> {
  const queue = new JobQueue(new MemoryJobStore())
  await queue.enqueue({ id: '1', kind: 'resize' })
  await queue.dequeue(['resize'], async (job) => ({ ...job, ...after }))
  return queue
}

describe('the result of a definition', () => {
  it('has the type that its output makes, and is found as by the id alone', async () => {
    const queue = await ended({ status: 'DONE', result: { bytes: '7' } })
    const result = await queue.result(resize, ' 1 ', { timeout: '1s' })
    expectTypeOf(result).toEqualTypeOf<{ bytes: string }>()
    expect(result).toEqual({ bytes: '7' })
    const untyped = await queue.result('1')
    expectTypeOf(untyped).toEqualTypeOf<unknown>()
    expect(untyped).toEqual(result)
    expectTypeOf(await queue.result(defineJob({ kind: 'resize' }), '1')).toEqualTypeOf<unknown>()
  })

  it('of another kind than the job has is an error at once', async () => {
    const queue = new JobQueue(new MemoryJobStore())
    await queue.enqueue({ id: '1', kind: 'mail' })
    const error = await failureOf(queue.result(resize, '1'))
    expect(error).toBeInstanceOf(InvalidArgumentError)
    expect(error.message).toBe(`result: expected a job of kind 'resize'; "1" is of kind 'mail'`)
  })

  it('rejects as without a definition', async () => {
    const queue = await ended({ status: 'FAILED', lastError: 'no' })
    expect(await failureOf(queue.result(resize, '1'))).toMatchObject({ code: 'ERR_JOB_FAILED' })
    expect(await failureOf(queue.result(resize, '2'))).toMatchObject({ code: 'ERR_JOB_NOT_FOUND' })
    const unknown = queue.result(resize, '1', { timout: 1 } as never)
    expect((await failureOf(unknown)).message).toContain("unknown option 'timout'")
    // @ts-expect-error -- the definition does not replace the id
    expect(await failureOf(queue.result(resize))).toMatchObject({ code: 'ERR_JOB_NOT_FOUND' })
  })
})
