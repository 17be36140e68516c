import { InvalidArgumentError } from 'runutil'
import { JobQueue, MemoryJobStore, QueueWorker } from 'runutil/queue'
import { describe, expect, it, test } from 'vitest'
import { type FreshWorkerOptions, freshWorker } from '../support/queue/fresh-worker.ts'
import { ScriptedHandler } from '../support/queue/scripted-handler.ts'

const KIB = 1024
const ids = (length: number): string[] => Array.from({ length }, (_, at) => `${at + 1}`)

/** A worker that runs, beside so many jobs of so many bytes. */
async function beside(count: number, bytes: number, options: FreshWorkerOptions) {
  const script = new ScriptedHandler()
  const worker = freshWorker(script.handle, options)
  const payload = 'x'.repeat(bytes - 2)
  await worker.queue.enqueue(ids(count).map((id) => ({ id, kind: 'a', payload })))
  const { stop } = await worker.run()
  const held = async (): Promise<number> => (await worker.queue.counts()).a!.RUNNING
  const endAll = async (): Promise<void> => {
    for (let ended = 0; ended < count; ended++) {
      ;(await script.call(`${ended + 1}`)).return()
      await worker.clock.advance(0)
    }
  }
  return { ...worker, script, stop, held, endAll }
}

describe('what a worker holds', () => {
  test.each<[string, number, number, FreshWorkerOptions, number]>([
    ['16 MiB unless told otherwise', 30, 1024 * KIB, { concurrency: 30 }, 16],
    ['as much as it is told', 30, 10 * KIB, { concurrency: 30, maxHeldBytes: 64 * KIB }, 6],
    ['one job, however large it is', 5, 100 * KIB, { concurrency: 30, maxHeldBytes: 64 * KIB }, 1],
    ['any number of small ones', 30, 500, { concurrency: 30, maxHeldBytes: 1 }, 30],
  ])('is %s', async (_, count, bytes, options, most) => {
    const { clock, held, script, endAll, queue, stop } = await beside(count, bytes, options)
    expect(await held()).toBe(most)
    await clock.advance('10s')
    expect([await held(), script.ids.length]).toEqual([most, most])
    // Each that ends makes room for the next, without waiting for a poll.
    await endAll()
    expect(await queue.counts()).toMatchObject({ a: { DONE: count } })
    await stop()
  })

  it('counts what is claimed ahead', async () => {
    const script = new ScriptedHandler()
    const options = { concurrency: 2, maxHeldBytes: 64 * KIB }
    const { clock, queue, run } = freshWorker(
      (job, signal) => (Number(job.id) <= 20 ? undefined : script.handle(job, signal)),
      options,
    )
    const payload = 'x'.repeat(10 * KIB)
    await queue.enqueue(ids(100).map((id) => ({ id, kind: 'a', payload })))
    const { stop } = await run()
    await clock.advance(10)
    const { a } = await queue.counts()
    expect(a).toMatchObject({ DONE: 20 })
    expect(a!.RUNNING).toBeLessThanOrEqual(6)
    const stopped = stop()
    for (const call of script.calls.values) call.return()
    await stopped
  })

  it('counts outcomes that are not recorded', async () => {
    const options = { concurrency: 100, maxHeldBytes: 64 * KIB }
    const script = new ScriptedHandler()
    const { clock, queue, store, run } = freshWorker(script.handle, options)
    const arrive = store.hold('settle')
    const payload = 'x'.repeat(10 * KIB)
    await queue.enqueue(ids(100).map((id) => ({ id, kind: 'a', payload })))
    const { stop } = await run()
    for (const call of script.calls.values) call.return()
    await clock.advance('10s')
    expect(script.ids).toHaveLength(6)
    arrive()
    await clock.advance(0)
    expect(script.ids).toHaveLength(12)
    const stopped = stop()
    for (const call of script.calls.values) call.return()
    await stopped
  })
})

describe('a worker that is held back by it for a minute', () => {
  const options = { concurrency: 30, maxHeldBytes: 64 * KIB }
  const said = (lines: readonly { msg: string }[]): unknown[] =>
    lines.filter(({ msg }) => msg.includes('maxHeldBytes'))

  it('says so, once', async () => {
    const { clock, lines, endAll, stop } = await beside(30, 10 * KIB, options)
    await clock.advance('59s')
    expect(said(lines)).toEqual([])
    await clock.advance('30m')
    expect(said(lines)).toMatchObject([{ level: 40, maxHeldBytes: 64 * KIB }])
    await endAll()
    await stop()
  })

  it('says so too when it is full to the last byte', async () => {
    const { clock, lines, endAll, stop } = await beside(30, 16 * KIB, options)
    await clock.advance('61s')
    expect(said(lines)).toHaveLength(1)
    await endAll()
    await stop()
  })

  it('says nothing when there was nothing else to do', async () => {
    const { clock, lines, endAll, stop } = await beside(6, 10 * KIB, options)
    await clock.advance('1h')
    expect(said(lines)).toEqual([])
    await endAll()
    await stop()
  })
})

test.each([0, -1, 1.5, NaN, '16 MiB'])('maxHeldBytes %s is refused', (maxHeldBytes) => {
  const queue = new JobQueue(new MemoryJobStore())
  expect(() => new QueueWorker(queue, { maxHeldBytes: maxHeldBytes as number })).toThrow(InvalidArgumentError)
})
