import type { JobStore } from 'runutil/queue'
import { describe, expect, it, test, vi } from 'vitest'
import { type FreshWorkerOptions, freshWorker } from '../support/queue/fresh-worker.ts'
import type { Objection } from '../support/queue/picky-store.ts'
import { ScriptedHandler } from '../support/queue/scripted-handler.ts'
import { settlingQueue } from '../support/queue/settling-queue.ts'

const ids = (count: number): string[] => Array.from({ length: count }, (_, at) => `${at + 1}`)

/** A worker that runs one job after another, on a store that settles and claims in one call. */
function oneByOne(handler: Parameters<typeof freshWorker>[0], options: FreshWorkerOptions = {}) {
  const fresh = freshWorker(handler, { prefetch: 0, fresh: settlingQueue(), ...options })
  const calls = (): number[] =>
    (['settleAndClaim', 'settle', 'claim'] satisfies (keyof JobStore)[]).map(
      (method) => fresh.store.calls(method).length,
    )
  return { ...fresh, calls }
}

describe('a worker that runs one job after another', () => {
  it('has each recorded by the call that claims the next, and claims alone only when that brings none', async () => {
    const { enqueue, run, queue, events, calls } = oneByOne(() => 'x')
    await enqueue('1', '2', '3')
    const { stop } = await run()
    expect(calls()).toEqual([3, 0, 2])
    const perJob = ids(3).flatMap((id) => [`claimed ${id}`, `settled ${id} DONE`])
    expect(events.slice(3)).toEqual(perJob)
    expect(await queue.get('3')).toMatchObject({ status: 'DONE', result: 'x', attemptsDone: 1 })
    await stop()
  })

  it.each([
    ['returns later', () => Promise.resolve('x'), 'DONE'],
    ['fails', () => Promise.reject(new Error('no')), 'FAILED'],
  ])('does so where the handler %s', async (_, handler, status) => {
    const { clock, run, queue, calls, settled } = oneByOne(handler)
    await queue.enqueue(ids(20).map((id) => ({ id, kind: 'a' })))
    const { stop } = await run()
    await settled.times(20)
    await clock.advance(0)
    expect(calls()).toEqual([20, 0, 2])
    expect(await queue.counts()).toMatchObject({ a: { [status]: 20, RUNNING: 0 } })
    await stop()
  })

  it('has the outcome of the last job recorded though there is no other', async () => {
    const { enqueue, run, queue, calls } = oneByOne(() => 'x')
    const { stop } = await run()
    await enqueue('1')
    expect(await queue.get('1')).toMatchObject({ status: 'DONE' })
    expect(calls()[1]).toBe(0)
    await stop()
  })

  test.each([false, true])(
    'where that call fails, though it took effect: %s, settles and claims apart: nothing is lost or run twice',
    async (after) => {
      const handler = vi.fn(() => 'x')
      const { clock, enqueue, run, queue, store, events } = oneByOne(handler)
      store.fail('settleAndClaim', { times: 1, after })
      await enqueue('1', '2', '3')
      const { stop } = await run()
      await clock.advance('1m')
      expect(handler).toHaveBeenCalledTimes(3)
      expect(await queue.counts()).toMatchObject({ a: { DONE: 3, PENDING: 0, RUNNING: 0 } })
      expect(await queue.get('2')).toMatchObject({ attemptsDone: 1 })
      expect(events.filter((event) => event.startsWith('settled 1'))).toHaveLength(1)
      await stop()
    },
  )

  it('goes on apart while that call always fails', async () => {
    const { clock, enqueue, run, queue, store, lines } = oneByOne(() => {})
    store.fail('settleAndClaim', { error: new Error('no such function') })
    await enqueue(...ids(10))
    const { stop } = await run()
    await clock.advance('10s')
    expect(await queue.counts()).toMatchObject({ a: { DONE: 10, PENDING: 0, RUNNING: 0 } })
    expect(lines.filter(({ level }) => level >= 40)).toEqual([])
    await stop()
  })

  it('has an outcome that the store refuses end its job alone', async () => {
    const objection: Objection = ({ id, outcome }) =>
      id === '1' && outcome.status === 'DONE' ? new Error('refused') : undefined
    const { clock, enqueue, run, queue } = oneByOne(() => {}, { fresh: settlingQueue({ objection }) })
    await enqueue('1', '2')
    const { stop } = await run()
    await clock.advance('1s')
    expect(await queue.get('1')).toMatchObject({ status: 'PANIC' })
    expect(await queue.get('2')).toMatchObject({ status: 'DONE' })
    await stop()
  })
})

describe('told to stop while a call settles and claims', () => {
  it('records the outcome, and releases the claimed job without running it', async () => {
    const script = new ScriptedHandler()
    const { clock, enqueue, run, queue, store, events } = oneByOne(script.handle)
    await enqueue('1', '2')
    const { abort, stop } = await run()
    const arrive = store.hold('settleAndClaim')
    ;(await script.call('1')).return('x')
    await clock.advance(0)
    expect(store.calls('settleAndClaim')).toHaveLength(1)
    await abort()
    arrive()
    await stop()
    expect(script.ids).toEqual(['1'])
    expect(await queue.get('1')).toMatchObject({ status: 'DONE', result: 'x', attemptsDone: 1 })
    expect(await queue.get('2')).toMatchObject({ status: 'PENDING', attemptsDone: 0 })
    expect(events).toContain('released 2')
    const [again] = await queue.store.claim(['a'], 1, '1m')
    expect(again).toMatchObject({ id: '2', crashes: 0 })
  })

  it('records the outcome alone where that call fails then', async () => {
    const script = new ScriptedHandler()
    const { clock, enqueue, run, queue, store } = oneByOne(script.handle)
    await enqueue('1', '2')
    const { abort, stop } = await run()
    const arrive = store.hold('settleAndClaim')
    store.fail('settleAndClaim')
    ;(await script.call('1')).return('x')
    await clock.advance(0)
    await abort()
    arrive()
    await stop()
    expect(script.ids).toEqual(['1'])
    expect(await queue.get('1')).toMatchObject({ status: 'DONE', result: 'x' })
    expect(await queue.get('2')).toMatchObject({ status: 'PENDING', attemptsDone: 0 })
  })

  it('waits no longer for an answer than for one of an outcome', async () => {
    const script = new ScriptedHandler()
    const { clock, enqueue, run, store } = oneByOne(script.handle, { lease: '20s' })
    await enqueue('1')
    const { abort, ended } = await run()
    store.silence('settleAndClaim')
    ;(await script.call('1')).return('x')
    await clock.advance(0)
    await abort()
    await clock.advance('21s')
    await ended
    expect(clock.pending).toBe(0)
  })
})

describe('settles and claims apart', () => {
  it('for a kind with limits', async () => {
    const { enqueue, run, calls, clock, queue } = oneByOne(() => {}, { limits: { concurrency: 5 } })
    await enqueue('1', '2', '3')
    const { stop } = await run()
    await clock.advance('5s')
    expect(calls()[0]).toBe(0)
    expect(await queue.counts()).toMatchObject({ a: { DONE: 3 } })
    await stop()
  })

  it('when more have ended than one such call is for', async () => {
    const script = new ScriptedHandler()
    const { clock, enqueue, run, queue, calls } = oneByOne(script.handle, { concurrency: 17 })
    await enqueue(...ids(17))
    const { stop } = await run()
    for (const call of script.calls.values) call.return('x')
    await clock.advance(0)
    expect(calls().slice(0, 2)).toEqual([0, 1])
    expect(await queue.counts()).toMatchObject({ a: { DONE: 17 } })
    await stop()
  })

  it('for a while, when such calls bring no job though there are some', async () => {
    const fresh = settlingQueue({ claims: false })
    const { clock, run, queue, settled, calls } = oneByOne(() => {}, { fresh })
    await queue.enqueue(ids(50).map((id) => ({ id, kind: 'a' })))
    const { stop } = await run()
    await settled.times(50)
    expect(calls()[0]).toBe(2)
    await clock.advance('1s')
    await queue.enqueue(ids(5).map((id) => ({ id: `later ${id}`, kind: 'a' })))
    await settled.times(55)
    await clock.advance(0)
    expect(calls()[0]).toBe(3)
    await stop()
  })

  it('while the store has paused the kind', async () => {
    const script = new ScriptedHandler()
    const { clock, enqueue, run, queue } = oneByOne(script.handle)
    await enqueue('1', '2')
    const { stop } = await run()
    await queue.pause('a')
    ;(await script.call('1')).return('x')
    await clock.advance('5s')
    expect(script.ids).toEqual(['1'])
    expect(await queue.get('1')).toMatchObject({ status: 'DONE' })
    await stop()
  })
})
