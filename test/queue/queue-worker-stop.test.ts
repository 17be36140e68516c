import { describe, expect, it, test, vi } from 'vitest'
import { failureOf } from '../support/outcome.ts'
import { type FreshWorker, freshWorker } from '../support/queue/fresh-worker.ts'
import { type Call, ScriptedHandler, givesUp } from '../support/queue/scripted-handler.ts'

/** A worker that runs job 'long' and holds ten more that wait behind it. */
async function withWaiting(handler: (call: Call) => unknown, options = {}) {
  const script = new ScriptedHandler()
  const fresh = freshWorker(
    (job, signal) => {
      if (job.id === 'short') return
      const ended = script.handle(job, signal)
      handler(script.calls.values.at(-1)!)
      return ended
    },
    { ...options },
  )
  await fresh.enqueue('short')
  const running = await fresh.run()
  // Short ones taught it to claim ahead.
  await fresh.enqueue('long', ...waiting)
  expect(await fresh.queue.counts()).toMatchObject({ a: { RUNNING: 11, DONE: 1 } })
  return { ...fresh, ...running, script }
}

const waiting = Array.from({ length: 10 }, (_, at) => `w${at}`)

async function checkReleased({ queue, events }: FreshWorker): Promise<void> {
  expect(events.filter((event) => event.startsWith('released')).sort()).toEqual(
    waiting.map((id) => `released ${id}`),
  )
  for (const id of waiting) {
    expect(await queue.get(id)).toMatchObject({ status: 'PENDING', attemptsDone: 0 })
  }
  const claimed = await queue.store.claim(['a'], 20, '1m')
  expect(claimed.map(({ id }) => id)).toEqual(waiting)
  expect(claimed.every(({ crashes }) => crashes === 0)).toBe(true)
}

describe('told to stop', () => {
  it('gives jobs that wait back at once, though a handler runs on', async () => {
    const fresh = await withWaiting(() => {})
    await fresh.abort()
    await checkReleased(fresh)
    ;(await fresh.script.call('long')).return('in the end')
    await fresh.stop()
    expect(await fresh.queue.get('long')).toMatchObject({ status: 'DONE', result: 'in the end' })
  })

  it('gives jobs that wait back when the handler before them ends at once', async () => {
    const fresh = await withWaiting(({ signal, throw: fail }) =>
      signal.addEventListener('abort', () => fail(signal.reason)),
    )
    await fresh.abort()
    await checkReleased(fresh)
    await fresh.stop()
  })

  it('aborts its handlers with the reason of the stop, and waits for them', async () => {
    const script = new ScriptedHandler()
    const { clock, enqueue, run, queue } = freshWorker(script.handle, { concurrency: 2 })
    await enqueue('1', '2', '3')
    const { abort, ended, stop } = await run()
    const reason = new Error('shutting down')
    const done = vi.fn()
    void ended.then(done)
    await abort(reason)
    for (const { signal } of script.calls.values) expect(signal.reason).toBe(reason)
    await clock.advance('10m')
    expect(done).not.toHaveBeenCalled()
    ;(await script.call('1')).return('1')
    ;(await script.call('2')).throw(new Error('2'))
    await stop()
    expect(script.ids).toEqual(['1', '2'])
    expect(await queue.get('1')).toMatchObject({ status: 'DONE', result: '1' })
    expect(await queue.get('2')).toMatchObject({ status: 'PENDING', lastError: 'aborted: 2' })
    expect(await queue.get('3')).toMatchObject({ status: 'PENDING', attemptsDone: 0 })
  })

  it('keeps the leases of handlers that take their time', async () => {
    const script = new ScriptedHandler()
    const { clock, enqueue, run, queue } = freshWorker(script.handle)
    await enqueue('1')
    const { abort, stop } = await run()
    await abort()
    await clock.advance('10m')
    expect(await queue.store.claim(['a'], 1, '1m')).toEqual([])
    ;(await script.call('1')).return()
    await stop()
    expect(await queue.get('1')).toMatchObject({ status: 'DONE' })
  })

  it('lets a job that gave up run again after 5 s, the attempt counted', async () => {
    const { clock, enqueue, run, queue } = freshWorker(givesUp)
    await enqueue('1')
    const { abort, stop } = await run()
    await clock.advance('1s')
    await abort(new Error('shutting down'))
    expect(await queue.get('1')).toMatchObject({
      status: 'PENDING',
      attemptsDone: 1,
      lastError: 'aborted: shutting down',
      runAt: new Date(clock.now() + 5_000),
    })
    await stop()
  })

  it('gives back what a claim brings that is on its way', async () => {
    const handler = vi.fn()
    const { enqueue, run, store, events, queue } = freshWorker(handler)
    const arrive = store.hold('claim')
    await enqueue('1')
    const { abort, stop } = await run()
    expect(events).toEqual(['enqueued 1'])
    await abort()
    arrive()
    await stop()
    expect(handler).not.toHaveBeenCalled()
    expect(events).toEqual(['enqueued 1', 'claimed 1', 'released 1'])
    expect(await queue.counts()).toMatchObject({ a: { PENDING: 1, RUNNING: 0 } })
  })

  it('gives back what its first claim brings after the run has ended, and looks after it no longer', async () => {
    const { clock, enqueue, run, store, events } = freshWorker(() => {})
    const arrive = store.hold('claim')
    await enqueue('1')
    const { abort, ended } = await run()
    await abort()
    await clock.advance('1m')
    await ended
    arrive()
    await clock.advance(0)
    expect(events).toEqual(['enqueued 1', 'claimed 1', 'released 1'])
    expect(clock.pending).toBe(0)
  })

  it('renews nothing after it has ended, when a renewal under way fails then', async () => {
    const script = new ScriptedHandler()
    const { clock, enqueue, run, store } = freshWorker(script.handle, { lease: '8s' })
    await enqueue('1')
    const { stop } = await run()
    store.fail('renew')
    const arrive = store.hold('renew')
    await clock.advance('3s')
    expect(store.calls('renew')).toHaveLength(1)
    ;(await script.call('1')).return('done')
    await stop()
    arrive()
    await clock.advance('1m')
    expect(clock.pending).toBe(0)
    expect(store.calls('renew')).toHaveLength(1)
  })

  test('before it starts, it claims nothing', async () => {
    const { worker, queue, store } = freshWorker(() => {})
    await queue.enqueue({ id: '1', kind: 'a' })
    await worker.run(AbortSignal.abort())
    expect(store.calls('claim')).toEqual([])
    expect(await queue.get('1')).toMatchObject({ status: 'PENDING' })
  })

  it('in any moment of its start it leaves nothing behind', async () => {
    for (let turns = 0; turns < 12; turns++) {
      const { enqueue, run, queue } = freshWorker(async () => {}, { concurrency: 2 })
      await enqueue('1', '2', '3')
      const running = run()
      for (let turn = 0; turn < turns; turn++) await Promise.resolve()
      await (await running).stop()
      expect(await queue.counts()).toMatchObject({ a: { RUNNING: 0, FAILED: 0 } })
    }
  })
})

describe('told to stop while the store is away', () => {
  it('ends at once when nothing is held', async () => {
    const { clock, run, store } = freshWorker(() => {})
    const { stop } = await run()
    store.fail('claim')
    await clock.advance('1m')
    await stop()
  })

  it("ends when the lease of what it couldn't record is over", async () => {
    const script = new ScriptedHandler()
    const { clock, enqueue, run, queue, store } = freshWorker(script.handle)
    await enqueue('1')
    const { abort, stop } = await run()
    for (const method of ['settle', 'renew', 'claim'] as const) store.fail(method)
    ;(await script.call('1')).return()
    await clock.advance('10s')
    await abort()
    await clock.advance('40s')
    await stop()
    store.mend()
    expect((await queue.store.claim(['a'], 1, '1m'))[0]).toMatchObject({ id: '1', crashes: 1 })
  })

  it('records what it can when the store is back in time', async () => {
    const script = new ScriptedHandler()
    const { clock, enqueue, run, queue, store } = freshWorker(script.handle)
    await enqueue('1')
    const { abort, stop } = await run()
    for (const method of ['settle', 'renew', 'claim'] as const) store.fail(method)
    ;(await script.call('1')).return('x')
    await abort()
    await clock.advance('10s')
    store.mend()
    await clock.advance('5s')
    await stop()
    expect(await queue.get('1')).toMatchObject({ status: 'DONE', result: 'x' })
  })
})

describe('a worker runs again', () => {
  it('after it has stopped', async () => {
    const handler = vi.fn()
    const { enqueue, run } = freshWorker(handler)
    for (const id of ['1', '2', '3']) {
      await enqueue(id)
      await (await run()).stop()
    }
    expect(handler.mock.calls.map(([job]) => (job as { id: string }).id)).toEqual(['1', '2', '3'])
  })

  it('beside itself, and no job runs twice', async () => {
    const script = new ScriptedHandler()
    const { enqueue, run } = freshWorker(script.handle)
    const one = await run()
    const two = await run()
    await enqueue('1', '2', '3')
    expect([...script.ids].sort()).toEqual(['1', '2'])
    for (const call of script.calls.values) call.return()
    ;(await script.call('3')).return()
    await Promise.all([one.stop(), two.stop()])
  })

  it('after the store refused for good', async () => {
    const handler = vi.fn()
    const { enqueue, run, store, worker } = freshWorker(handler)
    await enqueue('1')
    store.fail('claim', { times: 1, error: new Error('no such table') })
    const error = await failureOf(worker.run(new AbortController().signal))
    expect(error.message).toBe('no such table')
    await (await run()).stop()
    expect(handler).toHaveBeenCalledTimes(1)
  })

  it('has the kinds that it had when it started', async () => {
    const { queue, run, worker } = freshWorker(() => {})
    const { stop } = await run()
    const late = vi.fn()
    worker.register('late', late)
    await queue.enqueue({ id: '1', kind: 'late' })
    await stop()
    expect(late).not.toHaveBeenCalled()
    const { stop: stopAgain } = await run()
    expect(late).toHaveBeenCalledTimes(1)
    await stopAgain()
  })
})
