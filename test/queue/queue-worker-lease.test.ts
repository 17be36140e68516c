import { ErrLostLease } from 'runutil/queue'
import { describe, expect, it, test } from 'vitest'
import { freshWorker } from '../support/queue/fresh-worker.ts'
import { ScriptedHandler, givesUp } from '../support/queue/scripted-handler.ts'

describe('a lease', () => {
  it('is renewed for as long as the handler runs, that of all jobs in one call', async () => {
    const script = new ScriptedHandler()
    const { clock, enqueue, run, queue, store } = freshWorker(script.handle, { concurrency: 3, lease: '40s' })
    await enqueue('1', '2', '3')
    const { stop } = await run()
    for (let minute = 0; minute < 10; minute++) {
      await clock.advance('1m')
      expect(await queue.store.claim(['a'], 3, '1s')).toEqual([])
    }
    // Four times a lease.
    expect(store.calls('renew')).toHaveLength(60)
    expect(store.calls('renew')[0]![0]).toHaveLength(3)
    for (const call of script.calls.values) call.return()
    await stop()
    expect(await queue.counts()).toMatchObject({ a: { DONE: 3 } })
  })

  it("isn't renewed when nothing is held", async () => {
    const { clock, enqueue, run, store } = freshWorker(() => {})
    await enqueue('1')
    const { stop } = await run()
    await clock.advance('10m')
    expect(store.calls('renew')).toEqual([])
    await stop()
  })

  it('that is lost aborts the handler with ErrLostLease, and the worker goes on', async () => {
    const script = new ScriptedHandler()
    const { clock, enqueue, run, queue, elsewhere, store, events } = freshWorker(script.handle)
    await enqueue('1', '2')
    const { stop } = await run()
    // The store can be reached, but not for renewals.
    store.fail('renew')
    const first = await script.call('1')
    await clock.advance('29s')
    expect(first.signal.aborted).toBe(false)
    await clock.advance('9s')
    expect(first.signal.reason).toBeInstanceOf(ErrLostLease)
    expect(first.signal.reason).toMatchObject({ code: 'ERR_LOST_LEASE', id: '1' })
    store.mend()
    // Others run it.
    const theirs = await elsewhere.dequeue(['a'], async (job) => ({
      ...job,
      status: 'DONE',
      result: 'theirs',
    }))
    expect(theirs).toBe(true)
    first.return('mine')
    await clock.advance(0)
    expect(await queue.get('1')).toMatchObject({ status: 'DONE', result: 'theirs', attemptsDone: 1 })
    expect(events).toContain('lost 1')
    ;(await script.call('2')).return()
    await stop()
    expect(await queue.get('2')).toMatchObject({ status: 'DONE' })
  })

  it('that is over keeps a job from starting that waits here, and others may run it', async () => {
    const script = new ScriptedHandler()
    const { clock, enqueue, run, queue, store, events } = freshWorker(
      (job, signal) => (job.id === 'short' ? undefined : script.handle(job, signal)),
      { lease: 400 },
    )
    await enqueue('short')
    const { stop } = await run()
    // So that their lease is over between two renewals.
    await clock.advance(50)
    await enqueue('long', 'waits')
    // One renewal is on its way when the lease is over.
    const arrive = store.hold('renew')
    await clock.advance(410)
    const long = await script.call('long')
    long.return()
    const waits = await script.call('waits')
    expect(waits.job.claim).toBeGreaterThan(long.job.claim)
    arrive()
    await clock.advance(100)
    waits.return()
    await stop()
    expect(events).toContain('released waits')
    expect(script.ids).toEqual(['long', 'waits'])
    expect(await queue.get('waits')).toMatchObject({ status: 'DONE' })
  })

  it("that a renewal says is lost doesn't keep the others from being renewed", async () => {
    const script = new ScriptedHandler()
    const { clock, enqueue, run, queue } = freshWorker(script.handle, { concurrency: 3 })
    await enqueue('1', '2', '3')
    const { stop } = await run()
    await queue.cancel('2')
    await clock.advance('10m')
    expect(script.calls.values.map(({ signal }) => signal.aborted)).toEqual([false, true, false])
    for (const call of script.calls.values) call.return()
    await stop()
    expect(await queue.counts()).toMatchObject({ a: { DONE: 2, FAILED: 1 } })
  })

  it('that runs out because the process froze is lost when it wakes', async () => {
    const script = new ScriptedHandler()
    const { clock, enqueue, run, queue, store, events } = freshWorker(script.handle)
    await enqueue('1')
    const { stop } = await run()
    const arrive = store.hold('renew')
    await clock.advance('2m')
    const theirs = await queue.store.claim(['a'], 1, '1h')
    arrive()
    await clock.advance(0)
    const { signal, ...call } = await script.call('1')
    expect(signal.reason).toBeInstanceOf(ErrLostLease)
    call.return('mine')
    await clock.advance(0)
    expect(events).toContain('lost 1')
    expect(theirs).toMatchObject([{ id: '1', crashes: 1 }])
    expect(await queue.store.renew(theirs, '1h')).toEqual([])
    await stop()
  })
})

describe('cancel', () => {
  test.each([
    ['30s', 10_000],
    ['3s', 1_000],
    ['10m', 200_000],
  ])('with a lease of %s aborts a running handler within %i ms', async (lease, ms) => {
    const { clock, enqueue, run, queue, events } = freshWorker(givesUp, { lease })
    await enqueue('1')
    const { stop } = await run()
    await clock.advance('17s')
    expect(await queue.cancel('1')).toBe(true)
    await clock.advance(ms)
    expect(events.at(-1)).toBe('lost 1')
    expect(await queue.get('1')).toMatchObject({ status: 'FAILED', lastError: 'cancelled', attemptsDone: 0 })
    await enqueue('2')
    expect(events.at(-1)).toBe('claimed 2')
    await stop()
  })

  it("doesn't let the next job of a limited kind start before the handler has ended", async () => {
    const script = new ScriptedHandler()
    const { clock, enqueue, run, queue } = freshWorker(script.handle, {
      concurrency: 2,
      limits: { concurrency: 1 },
    })
    await enqueue('1', '2')
    const { stop } = await run()
    await queue.cancel('1')
    await clock.advance('10m')
    const { signal, ...call } = await script.call('1')
    expect(signal.reason).toBeInstanceOf(ErrLostLease)
    expect(script.ids).toEqual(['1'])
    call.return()
    await clock.advance(0)
    expect(script.ids).toEqual(['1', '2'])
    ;(await script.call('2')).return()
    await stop()
  })

  it('of a job that waits here keeps it from ending otherwise', async () => {
    const script = new ScriptedHandler()
    const { clock, enqueue, run, queue } = freshWorker((job, signal) =>
      job.id === 'short' ? undefined : script.handle(job, signal),
    )
    await enqueue('short')
    const { stop } = await run()
    await enqueue('long', 'waits')
    expect(await queue.cancel('waits')).toBe(true)
    await clock.advance('1m')
    ;(await script.call('long')).return()
    await clock.advance('1m')
    expect(await queue.get('waits')).toMatchObject({ status: 'FAILED', lastError: 'cancelled' })
    for (const call of script.calls.values) call.return()
    await stop()
    expect(await queue.get('waits')).toMatchObject({ status: 'FAILED', attemptsDone: 0 })
  })

  it("isn't logged as a job that is to be run again", async () => {
    const { clock, enqueue, run, queue, lines } = freshWorker(givesUp)
    await enqueue('1')
    const { stop } = await run()
    await queue.cancel('1')
    await clock.advance('10s')
    await stop()
    expect(lines.map(({ msg }) => msg)).toEqual(['job lost its lease'])
  })
})
