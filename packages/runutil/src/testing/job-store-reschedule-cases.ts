import assert from 'node:assert/strict'
import {
  type JobStoreCases,
  again,
  claim,
  claimOnly,
  done,
  expire,
  got,
  held,
  idsOf,
  later,
  put,
  series,
} from './job-store-case.ts'

/** A waiting job gets another time, priority or payload. */
export const rescheduleCases: JobStoreCases = {
  'reschedule: another time, given as such or from now': async ({ store, clock }) => {
    await put(store, '1', '2', '3')
    assert.equal(await store.reschedule('1', { runAt: later(clock, 60_000) }), true)
    assert.equal(await store.reschedule('2', { delayMs: 20_000 }), true)
    assert.deepEqual((await got(store, '1')).runAt, later(clock, 60_000))
    await claimOnly(store, '3')
    await clock.advance(20_000)
    await claimOnly(store, '2')
    assert.equal(await store.reschedule('1', { runAt: new Date(-1) }), true)
    assert.deepEqual((await claimOnly(store, '1')).runAt, new Date(clock.now()))
  },

  'reschedule: what is not given stays': async ({ store, clock }) => {
    const runAt = later(clock, 60_000)
    await put(store, { id: '1', runAt, priority: 3, key: 'x', payload: '7' })
    await clock.advance(10)
    for (const change of [{ priority: 4 }, { payload: '8' }, { delayMs: 20 }, {}]) {
      assert.equal(await store.reschedule('1', change), true)
    }
    const { priority, key, payload, runAt: at, createdAt, updatedAt } = await got(store, '1')
    assert.deepEqual([priority, key, payload, at], [4, 'x', 8, later(clock, 20)])
    assert.deepEqual([createdAt, updatedAt], [later(clock, -10), new Date(clock.now())])
  },

  'reschedule: another priority, also of one among many of one call': async ({ store }) => {
    await put(store, ...series('', 150))
    assert.equal(await store.reschedule('42', { priority: 1 }), true)
    assert.equal(await store.reschedule('43', { priority: -1 }), true)
    const ids = idsOf(await claim(store, { limit: 150 }))
    assert.deepEqual([ids[0], ids.at(-1), ids.length], ['42', '43', 150])
  },

  'reschedule: another payload, whose bytes a claim counts': async ({ store }) => {
    await put(store, '1', { id: '2', payload: JSON.stringify('x'.repeat(600)) })
    await store.reschedule('1', { payload: JSON.stringify('y'.repeat(700)) })
    await store.reschedule('2', { payload: '2' })
    assert.deepEqual(idsOf(await claim(store, { maxBytes: 600, orOne: false })), [])
    const [first, second] = await claim(store)
    assert.deepEqual([first?.payloadBytes, second?.payload], [702, 2])
  },

  'reschedule: false for jobs that run, have ended or do not exist, which stay as they are': async ({
    store,
  }) => {
    const ended = await held(store, 'ended')
    await store.settle([done(ended)])
    await put(store, ...series('', 120))
    const running = await claim(store, { limit: 1 })
    const before = await Promise.all(['1', 'ended'].map((id) => got(store, id)))
    for (const id of ['1', 'ended', 'nobody']) {
      assert.equal(await store.reschedule(id, { priority: 5, payload: '1', delayMs: 1 }), false)
    }
    assert.deepEqual(await Promise.all(['1', 'ended'].map((id) => got(store, id))), before)
    assert.deepEqual(await store.settle([done(running[0]!)]), [])
    assert.equal((await claim(store, { limit: 120 })).length, 119)
  },

  'reschedule: a job that waits for its retry': async ({ store, clock }) => {
    await store.settle([again(await held(store, '1'), { delayMs: 60_000 })])
    await store.reschedule('1', { delayMs: 1_000 })
    assert.deepEqual(await claim(store), [])
    await clock.advance(1_000)
    assert.equal((await claimOnly(store, '1')).attempt, 2)
  },

  'reschedule: who held the job when its lease expired can settle it still, unless its payload changed':
    async (context) => {
      const { store } = context
      await put(store, '1', '2')
      const [one, two] = await claim(store)
      await expire(context)
      await store.reschedule('1', { delayMs: 60_000 })
      await store.reschedule('2', { payload: '2' })
      assert.deepEqual(await store.settle([done(one!), done(two!)]), [done(two!)])
      assert.equal((await got(store, '1')).status, 'DONE')
      const job = await claimOnly(store, '2')
      assert.deepEqual([job.payload, job.crashes], [2, 1])
    },
}
