import { ErrLostLease } from 'runutil/queue'
import { describe, expect, it, test, vi } from 'vitest'
import { FreezableClock } from '../support/freezable-clock.ts'
import { type FreshWorkerOptions, breakableQueue, freshWorker } from '../support/queue/fresh-worker.ts'
import { ScriptedHandler } from '../support/queue/scripted-handler.ts'

/** A worker whose process can be frozen, with one job that runs. */
async function running(options: FreshWorkerOptions = {}) {
  const script = new ScriptedHandler()
  const fresh = breakableQueue()
  const frozen = new FreezableClock(fresh.clock)
  const worker = freshWorker(script.handle, { fresh, clock: frozen, concurrency: 2, ...options })
  await worker.enqueue('1')
  const { stop } = await worker.run()
  const call = await script.call('1')
  return { ...worker, script, call, stop, freeze: () => frozen.freeze(), thaw: () => frozen.thaw() }
}

/** Others look for leases that ran out, and have nothing to do with these jobs. */
const noneElsewhere = ['nobody']

describe('a process that was frozen for longer than its lease', () => {
  it('goes on with its jobs when it is alone, and each runs once', async () => {
    const { clock, queue, script, call, freeze, thaw, stop, events } = await running()
    freeze()
    await clock.advance('10m')
    await thaw()
    await clock.advance('10m')
    expect(call.signal.aborted).toBe(false)
    call.return('x')
    await stop()
    expect(script.ids).toEqual(['1'])
    expect(await queue.get('1')).toMatchObject({ status: 'DONE', result: 'x', attemptsDone: 1 })
    expect(events).toEqual(['enqueued 1', 'claimed 1', 'settled 1 DONE'])
  })

  it('takes back what others freed and nobody took, before it claims again', async () => {
    const { clock, queue, elsewhere, script, call, freeze, thaw, stop } = await running()
    freeze()
    await clock.advance('10m')
    await elsewhere.store.claim(noneElsewhere, 1, '30s')
    await thaw()
    await clock.advance('20m')
    expect(call.signal.aborted).toBe(false)
    expect(await elsewhere.store.claim(['a'], 1, '30s')).toEqual([])
    call.return('x')
    await stop()
    expect(script.ids).toEqual(['1'])
    expect(await queue.get('1')).toMatchObject({ status: 'DONE', result: 'x' })
  })

  it('records what was done before it claims again, so that nothing it did is done twice', async () => {
    const { clock, queue, elsewhere, script, call, freeze, thaw, stop } = await running({ concurrency: 1 })
    freeze()
    await clock.advance('10m')
    await elsewhere.store.claim(noneElsewhere, 1, '30s')
    call.return('x')
    await clock.advance(0)
    await thaw()
    await clock.advance('1m')
    await stop()
    expect(script.ids).toEqual(['1'])
    expect(await queue.get('1')).toMatchObject({ status: 'DONE', result: 'x', attemptsDone: 1 })
  })

  it('hears at once which of its jobs others have taken', async () => {
    const { clock, queue, elsewhere, call, freeze, thaw, stop, events } = await running()
    freeze()
    await clock.advance('10m')
    const [theirs] = await elsewhere.store.claim(['a'], 1, '1h')
    expect(theirs).toMatchObject({ id: '1', crashes: 1 })
    await thaw()
    expect(call.signal.reason).toBeInstanceOf(ErrLostLease)
    call.return('mine')
    await clock.advance(0)
    expect(events).toContain('lost 1')
    expect(await queue.get('1')).toMatchObject({ status: 'PENDING' })
    await stop()
  })

  it('gives its jobs up a second later when the store does not answer', async () => {
    const { clock, store, call, freeze, thaw, stop } = await running()
    freeze()
    await clock.advance('10m')
    const arrive = store.hold('renew')
    await thaw()
    await clock.advance(999)
    expect(call.signal.aborted).toBe(false)
    await clock.advance(1)
    expect(call.signal.reason).toBeInstanceOf(ErrLostLease)
    arrive()
    call.return('x')
    await stop()
  })

  it('asks anew although a renewal from before is on its way', async () => {
    const { clock, store, call, freeze, thaw, stop } = await running()
    const arrive = store.hold('renew')
    await clock.advance('8s')
    freeze()
    await clock.advance('10m')
    arrive()
    await thaw()
    await clock.advance('1m')
    expect(call.signal.aborted).toBe(false)
    call.return('x')
    await stop()
  })

  test.each<[string, FreshWorkerOptions]>([
    ['with a handler of one job at a time', { concurrency: 1 }],
    ['with several', { concurrency: 10 }],
  ])('counts no crash of its own, %s', async (_, options) => {
    const { clock, enqueue, queue, script, call, freeze, thaw, stop } = await running(options)
    for (let round = 0; round < 6; round++) {
      freeze()
      await clock.advance('2m')
      await thaw()
    }
    await enqueue('2')
    call.return('x')
    await clock.advance('1m')
    ;(await script.call('2')).return('y')
    await stop()
    expect(script.calls.values.map(({ job }) => [job.id, job.crashes])).toEqual([
      ['1', 0],
      ['2', 0],
    ])
    expect(await queue.counts()).toMatchObject({ a: { DONE: 2 } })
  })

  it('has several workers, none of which frees what another holds; nor does dequeue', async () => {
    const script = new ScriptedHandler()
    const fresh = breakableQueue()
    const clock = new FreezableClock(fresh.clock)
    const workers = ['1', '2'].map(() => freshWorker(script.handle, { fresh, clock, concurrency: 2 }))
    const runs = [await workers[0]!.run(), await workers[1]!.run()]
    await workers[0]!.enqueue('1', '2', '3')
    clock.freeze()
    await fresh.clock.advance('10m')
    const dequeued = vi.fn()
    expect(await fresh.queue.dequeue(['a'], dequeued)).toBe(false)
    await clock.thaw()
    await fresh.clock.advance('10m')
    expect(script.ids.sort()).toEqual(['1', '2', '3'])
    for (const call of script.calls.values) call.return()
    await fresh.clock.advance(0)
    expect(await fresh.queue.counts()).toMatchObject({ a: { DONE: 3 } })
    await Promise.all(runs.map(({ stop }) => stop()))
  })
})

describe('a worker whose claim got no answer', () => {
  it('runs the jobs when their lease is over, and it is no crash of theirs', async () => {
    const script = new ScriptedHandler()
    const { clock, enqueue, run, store } = freshWorker(script.handle)
    store.fail('claim', { times: 1, after: true })
    await enqueue('1')
    const { stop } = await run()
    await clock.advance('40s')
    const { job, ...call } = await script.call('1')
    expect(job.crashes).toBe(0)
    call.return()
    await stop()
  })
})
