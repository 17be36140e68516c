import { type Runnable, healthSnapshot, namedWorker, repeat, runAllWorkers } from 'runutil'
import type { JobStore } from 'runutil/queue'
import { describe, expect, it, test, vi } from 'vitest'
import { capturedLogger } from '../support/logs.ts'
import { failureOf, follow } from '../support/outcome.ts'
import { freshWorker } from '../support/queue/fresh-worker.ts'
import { ScriptedHandler } from '../support/queue/scripted-handler.ts'

const refusal = new Error('relation "jobs" does not exist')

describe('a store that is away for a while', () => {
  test.each<[keyof JobStore]>([['setRules'], ['listen'], ['claim'], ['settle'], ['pruneByRules']])(
    'when asked to %s is asked again, and no job is lost or run twice',
    async (method) => {
      const handler = vi.fn(() => 'x')
      const { clock, enqueue, run, queue, store, lines } = freshWorker(handler, { concurrency: 2 })
      store.fail(method, { times: 5 })
      const { stop } = await run()
      await enqueue('1', '2', '3', '4', '5')
      await clock.advance('1m')
      expect(await queue.counts()).toMatchObject({ a: { DONE: 5, PENDING: 0, RUNNING: 0 } })
      expect(handler).toHaveBeenCalledTimes(5)
      const said = lines.filter(({ msg }) => msg === 'job store unavailable')
      expect(said).toHaveLength(5)
      expect(said[0]).toMatchObject({ level: 40, err: { message: 'the store is away' } })
      await stop()
    },
  )

  it('is asked ever less often, and at least each 2 s', async () => {
    const { clock, run, store } = freshWorker(() => {})
    store.fail('claim')
    const { stop } = await run()
    await clock.advance('1m')
    const calls = store.calls('claim').length
    expect(calls).toBeGreaterThanOrEqual(30)
    expect(calls).toBeLessThan(80)
    await stop()
  })

  it("that recorded an outcome though its answer didn't come records it once", async () => {
    const { clock, enqueue, run, queue, store, events } = freshWorker(() => 'x')
    store.fail('settle', { times: 1, after: true })
    const { stop } = await run()
    await enqueue('1')
    await clock.advance('10s')
    expect(await queue.get('1')).toMatchObject({ status: 'DONE', result: 'x', attemptsDone: 1 })
    expect(events).toEqual(['enqueued 1', 'claimed 1', 'settled 1 DONE'])
    await stop()
  })

  it("that claimed though its answer didn't come: the jobs run when their lease is over", async () => {
    const handler = vi.fn()
    const { clock, enqueue, run, queue, store } = freshWorker(handler)
    store.fail('claim', { times: 1, after: true })
    await enqueue('1')
    const { stop } = await run()
    await clock.advance('29s')
    expect(handler).not.toHaveBeenCalled()
    await clock.advance('3s')
    expect(handler).toHaveBeenCalledTimes(1)
    expect(await queue.get('1')).toMatchObject({ status: 'DONE' })
    await stop()
  })

  it('when asked to renew, the handler runs on until its lease is over', async () => {
    const script = new ScriptedHandler()
    const { clock, enqueue, run, queue, store } = freshWorker(script.handle)
    await enqueue('1')
    const { stop } = await run()
    store.fail('renew', { times: 2 })
    await clock.advance('10m')
    const { signal, ...call } = await script.call('1')
    expect(signal.aborted).toBe(false)
    call.return('x')
    await stop()
    expect(await queue.get('1')).toMatchObject({ status: 'DONE', result: 'x' })
  })

  it('takes no more jobs while it is slow to record those that ended', async () => {
    const handler = vi.fn()
    const { clock, run, queue, store, settled } = freshWorker(handler, { concurrency: 2, prefetch: 0 })
    await queue.enqueue(Array.from({ length: 100 }, (_, at) => ({ id: `${at}`, kind: 'a' })))
    store.fail('settle', { times: 20 })
    const { stop } = await run()
    await clock.advance('5s')
    expect(handler.mock.calls.length).toBeLessThan(20)
    await clock.advance('1m')
    await settled.times(100)
    expect(handler).toHaveBeenCalledTimes(100)
    await stop()
  })
})

describe('a store that never answers', () => {
  const healthOf = (): { seen: string[]; watch: Runnable } => {
    const seen: string[] = []
    const look = (): void => {
      const { '/Queue': state = 'none' } = healthSnapshot()
      if (seen.at(-1) !== state) seen.push(state)
    }
    return { seen, watch: repeat('1s', look) }
  }

  it("when asked to claim is told of, once, after a lease, and isn't 'ok' until it answers", async () => {
    const { clock, run, store, lines, worker } = freshWorker(() => {}, { lease: '20s' })
    const { seen, watch } = healthOf()
    const stop = new AbortController()
    const ended = runAllWorkers([namedWorker(worker, 'Queue'), watch], stop.signal, {
      clock,
      logger: capturedLogger().logger,
    })
    await clock.advance('5s')
    store.silence('claim')
    await clock.advance('5m')
    expect(seen).toEqual(['ok', 'firing'])
    stop.abort()
    await clock.advance('2s')
    await ended
    const { stop: stopAgain } = await run()
    await clock.advance('5m')
    expect(lines.filter(({ msg }) => msg.startsWith('job store silent'))).toHaveLength(1)
    const stopping = stopAgain()
    await clock.advance('2s')
    await stopping
  })

  test.each<[keyof JobStore]>([['claim'], ['renew'], ['settle']])(
    "when asked to %s isn't 'ok' for that time, and is again when it answers or isn't asked any more",
    async (method) => {
      const script = new ScriptedHandler()
      const { clock, enqueue, store, worker } = freshWorker(script.handle, { concurrency: 2 })
      const { seen, watch } = healthOf()
      const stop = new AbortController()
      const { logger } = capturedLogger()
      const workers = [namedWorker(worker, 'Queue'), watch]
      const ended = runAllWorkers(workers, stop.signal, { clock, logger })
      await enqueue('1')
      await clock.advance('2s')
      store.fail(method, { times: 10 })
      if (method === 'settle') (await script.call('1')).return('x')
      await clock.advance('40s')
      if (method !== 'settle') (await script.call('1')).return('x')
      await clock.advance('1m')
      expect(seen).toEqual(['ok', 'firing', 'ok'])
      stop.abort()
      await ended
    },
  )

  it('when asked to renew once is asked again, and the handler runs on', async () => {
    const script = new ScriptedHandler()
    const { clock, enqueue, run, queue, store } = freshWorker(script.handle)
    await enqueue('1')
    const { stop } = await run()
    store.silence('renew', 1)
    await clock.advance('10m')
    const { signal, ...call } = await script.call('1')
    expect(signal.aborted).toBe(false)
    call.return('x')
    await stop()
    expect(await queue.get('1')).toMatchObject({ status: 'DONE', result: 'x' })
  })

  it('when asked to renew is not asked without end', async () => {
    const script = new ScriptedHandler()
    const { clock, enqueue, run, store } = freshWorker(script.handle)
    await enqueue('1')
    const { stop } = await run()
    store.silence('renew')
    await clock.advance('10m')
    expect(store.calls('renew').length).toBeLessThan(5)
    ;(await script.call('1')).return('x')
    await stop()
  })

  test.each<[keyof JobStore]>([
    ['setRules'],
    ['listen'],
    ['claim'],
    ['settle'],
    ['release'],
    ['pruneByRules'],
  ])('when asked to %s holds up the stop for no longer than the grace', async (method) => {
    const script = new ScriptedHandler()
    const { clock, enqueue, store, worker } = freshWorker(script.handle, { concurrency: 2 })
    store.silence(method)
    const stop = new AbortController()
    const options = { clock, logger: capturedLogger().logger, grace: '5s' } as const
    const ended = follow(runAllWorkers([worker], stop.signal, options))
    await enqueue('1', '2', '3')
    await clock.advance('2s')
    stop.abort()
    for (const call of script.calls.values) call.return('x')
    await clock.advance('4.5s')
    expect(ended.settled).toBe('resolved')
  })

  it('gives back what a claim got that was answered after the stop', async () => {
    const { clock, enqueue, run, queue, store } = freshWorker(() => {})
    const arrive = store.hold('claim')
    await enqueue('1')
    const { abort, ended } = await run()
    await abort()
    await clock.advance('2s')
    await ended
    arrive()
    await clock.advance('1s')
    expect(await queue.store.claim(['a'], 1, '1s')).toMatchObject([{ id: '1', crashes: 0 }])
  })
})

describe('a store that refuses for good', () => {
  test.each<[keyof JobStore]>([['setRules'], ['listen'], ['claim'], ['settle'], ['pruneByRules']])(
    'when asked to %s ends the run with its error',
    async (method) => {
      const { clock, enqueue, run, store } = freshWorker(() => {})
      await enqueue('1')
      store.fail(method, { error: refusal })
      const { ended } = await run()
      await clock.advance('1s')
      expect((await failureOf<AggregateError>(ended)).errors).toEqual([refusal])
      expect(clock.pending).toBe(0)
    },
  )

  it('aborts the handlers with that error, waits for them and gives back what waits', async () => {
    const script = new ScriptedHandler()
    const { clock, enqueue, run, queue, store } = freshWorker(script.handle, { concurrency: 2 })
    await enqueue('1')
    const { ended } = await run()
    store.fail('claim', { error: refusal, times: 1 })
    await clock.advance('1s')
    const followed = follow(ended)
    const { signal, ...call } = await script.call('1')
    expect(signal.reason).toBe(refusal)
    await clock.advance('1m')
    expect(followed.settled).toBe('no')
    call.return('x')
    expect((await failureOf<AggregateError>(ended)).errors).toEqual([refusal])
    expect(await queue.get('1')).toMatchObject({ status: 'DONE', result: 'x' })
    expect(clock.pending).toBe(0)
  })

  it('when asked to renew, costs the lease and not the run', async () => {
    const script = new ScriptedHandler()
    const { clock, enqueue, run, store } = freshWorker(script.handle)
    await enqueue('1')
    const { stop } = await run()
    store.fail('renew', { error: refusal })
    await clock.advance('38s')
    const { signal, ...call } = await script.call('1')
    expect(signal.aborted).toBe(true)
    call.return()
    store.mend()
    const stopped = stop()
    for (const again of script.calls.values) again.return()
    await stopped
  })
})

describe('in a group', () => {
  it('it runs beside repeated jobs, its health by its name', async () => {
    const ticks = vi.fn()
    const { clock, enqueue, worker, queue, store } = freshWorker(() => {})
    const { logger } = capturedLogger()
    const stop = new AbortController()
    const seen: unknown[] = []
    const tick = (): void => {
      ticks()
      seen.push(healthSnapshot()['/Mail'])
    }
    await enqueue('1')
    store.fail('claim', { times: 6 })
    const run = runAllWorkers([namedWorker(worker, 'Mail'), repeat('1s', tick)], stop.signal, {
      clock,
      logger,
    })
    await clock.advance('10s')
    expect(await queue.get('1')).toMatchObject({ status: 'DONE' })
    expect(ticks).toHaveBeenCalledTimes(10)
    expect([seen[0], seen.at(-1)]).toEqual(['firing', 'ok'])
    stop.abort()
    await run
    expect(clock.pending).toBe(0)
  })

  it('it stops when another worker fails, and gives its jobs back', async () => {
    const script = new ScriptedHandler()
    const { clock, enqueue, run, queue } = freshWorker(script.handle)
    await enqueue('1', '2')
    const { ended } = await run(repeat('10s', () => Promise.reject(refusal)))
    await clock.advance('10s')
    const { signal, ...call } = await script.call('1')
    expect(signal.aborted).toBe(true)
    call.throw(signal.reason)
    expect(await failureOf(ended)).toMatchObject({ code: 'ERR_WORKER_GROUP', errors: [refusal] })
    expect(await queue.counts()).toMatchObject({ a: { PENDING: 2, RUNNING: 0 } })
  })
})
