import assert from 'node:assert/strict'
import { type JobStoreCases, claim, claimOnly, done, idsOf, limitTo, put, series } from './job-store-case.ts'

const KINDS = ['a', 'b']

/** Kinds that an operator has paused. */
export const pauseCases: JobStoreCases = {
  'pause: no job of the kind is claimed until it is resumed': async ({ store }) => {
    await put(store, ...series('', 3))
    await store.pause('a')
    assert.deepEqual(await claim(store), [])
    await put(store, '4')
    assert.deepEqual(await claim(store), [])
    await store.resume('a')
    assert.deepEqual(idsOf(await claim(store)), ['1', '2', '3', '4'])
  },

  'pause: claims of several kinds get the jobs of the others': async ({ store }) => {
    await put(store, ...series('a', 20), { id: 'b1', kind: 'b' }, { id: 'b2', kind: 'b' })
    await store.pause('a')
    assert.deepEqual(idsOf(await claim(store, { kinds: KINDS, limit: 10 })), ['b1', 'b2'])
  },

  'pause: a limited kind is paused too, and its limit holds when it is resumed': async ({ store }) => {
    await limitTo(store, { concurrency: 1 })
    await put(store, ...series('', 3), { id: 'b', kind: 'b' })
    const [first] = await claim(store, { limit: 1 })
    await store.pause('a')
    await store.settle([done(first!)])
    assert.deepEqual(idsOf(await claim(store, { kinds: KINDS })), ['b'])
    await store.resume('a')
    assert.deepEqual(idsOf(await claim(store, { kinds: KINDS })), ['2'])
  },

  'pause: jobs that run are renewed, settled and released as always': async ({ store }) => {
    await put(store, '1', '2')
    const [one, two] = await claim(store)
    await store.pause('a')
    assert.deepEqual(await store.renew([one!, two!], '1m'), [])
    assert.deepEqual(await store.settle([done(one!)]), [])
    await store.release([two!])
    assert.deepEqual(await claim(store), [])
    await store.resume('a')
    await claimOnly(store, '2')
  },

  'pause: pausing twice is pausing once, and resuming what is not paused changes nothing': async ({
    store,
  }) => {
    await store.resume('a')
    await store.pause('b')
    await store.pause('a')
    await store.pause('a')
    assert.deepEqual(await store.paused(), KINDS)
    await store.resume('a')
    assert.deepEqual(await store.paused(), ['b'])
  },

  'pause: waiting listeners are called when a kind is resumed': async ({ store }) => {
    await put(store, '1')
    await store.pause('a')
    const called = new Promise<void>((resolve) => {
      void store.listen(() => resolve()).then(() => store.resume('a'))
    })
    await called
    await claimOnly(store, '1')
  },
}
