import { describe, expect, it } from 'vitest'
import { CallBatcher } from '../../packages/runutil/src/core/call-batcher.ts'

const MEBI = 2 ** 20

/** A batcher that records its batches, and rejects each that contains one of these calls. */
function batcherRefusing(...bad: number[]): { batcher: CallBatcher<number, number>; sent: number[][] } {
  const sent: number[][] = []
  const run = async (calls: readonly number[]): Promise<number[]> => {
    sent.push([...calls])
    const refused = calls.find((call) => bad.includes(call))
    if (refused !== undefined) throw new Error(`refused ${refused}`)
    return calls.map((call) => call * 10)
  }
  return { batcher: new CallBatcher(run, { isCallError: () => true }), sent }
}

describe('a batcher', () => {
  it('is idle when no call is waiting or under way', async () => {
    const { batcher, sent } = batcherRefusing(1)
    await batcher.idle()
    const calls = Promise.allSettled([batcher.call(0), batcher.call(1)])
    await batcher.idle()
    expect(sent).toEqual([[0, 1], [0], [1]])
    await calls
  })
})

describe('a batch of calls', () => {
  it('has at most 8 Mi characters in total, or a single larger call, and keeps the order of the calls', async () => {
    const { batcher, sent } = batcherRefusing()
    const weights = [3, 3, 3, 20, 1, 1]
    const calls = weights.map((weight, at) => batcher.call(at, weight * MEBI))
    expect(await Promise.all(calls)).toEqual([0, 10, 20, 30, 40, 50])
    expect(sent).toEqual([[0, 1], [2], [3], [4, 5]])
  })

  it('is halved after a rejection until the failing call is alone', async () => {
    const { batcher, sent } = batcherRefusing(37)
    const calls = Array.from({ length: 64 }, (_, at) => batcher.call(at))
    const ended = await Promise.allSettled(calls)
    const rejected = ended.flatMap((each, at) => (each.status === 'rejected' ? [at] : []))
    expect(rejected).toEqual([37])
    expect(ended[37]).toMatchObject({ reason: { message: 'refused 37' } })
    expect(sent.length).toBeLessThanOrEqual(13)
  })

  it('completes all other calls if several of them are rejected', async () => {
    const { batcher } = batcherRefusing(0, 5, 6)
    const ended = await Promise.allSettled(Array.from({ length: 8 }, (_, at) => batcher.call(at)))
    expect(ended.map(({ status }) => (status === 'rejected' ? 'x' : '.')).join('')).toBe('x....xx.')
  })
})
