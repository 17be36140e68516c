import assert from 'node:assert/strict'
import {
  type JobStoreCases,
  LEASE_MS,
  again,
  claim,
  claimOnly,
  done,
  failed,
  idsOf,
  later,
  limitTo,
  newJob,
  put,
  series,
} from './job-store-case.ts'

const HOUR_MS = 3_600_000

export const concurrencyCases: JobStoreCases = {
  'concurrency: at most that many jobs of a kind at once, in any number of claims': async ({ store }) => {
    await limitTo(store, { concurrency: 3 })
    await put(store, ...series('', 5))
    assert.deepEqual(idsOf(await claim(store, { limit: 2 })), ['1', '2'])
    assert.deepEqual(idsOf(await claim(store)), ['3'])
    assert.deepEqual(await claim(store), [])
  },

  'concurrency: every way to end a claim makes room for one job': async ({ store, clock }) => {
    await limitTo(store, { concurrency: 1 })
    await put(store, ...series('', 7))
    await store.settle([done(await claimOnly(store, '1'))])
    await store.settle([failed(await claimOnly(store, '2'))])
    await store.settle([again(await claimOnly(store, '3'), { delayMs: HOUR_MS })])
    const fourth = await claimOnly(store, '4')
    await store.release([fourth])
    const again4 = await claimOnly(store, '4')
    await store.cancel('4')
    await store.release([again4])
    await claimOnly(store, '5')
    assert.deepEqual(await claim(store), [])
    await clock.advance(LEASE_MS + 1)
    const fifth = await claimOnly(store, '5')
    assert.deepEqual([fifth.crashes, await claim(store)], [1, []])
  },

  'concurrency: a settlement or release under an older claim makes no room': async ({ store, clock }) => {
    await limitTo(store, { concurrency: 1 })
    await put(store, '1', '2')
    const stale = await claimOnly(store, '1')
    await clock.advance(LEASE_MS + 1)
    const current = await claimOnly(store, '1')
    await store.settle([done(stale)])
    await store.release([stale])
    assert.deepEqual(await claim(store), [])
    await store.settle([done(current)])
    await store.settle([done(current)])
    await claimOnly(store, '2')
    assert.deepEqual(await claim(store), [])
  },

  'concurrency: a kind at its limit does not hold back others': async ({ store }) => {
    await limitTo(store, { concurrency: 1 })
    await put(store, ...series('', 50), { id: 'b1', kind: 'b' }, { id: 'b2', kind: 'b' })
    assert.deepEqual(idsOf(await claim(store, { kinds: ['a', 'b'], limit: 3 })), ['1', 'b1', 'b2'])
  },

  'concurrency: several kinds in one claim, each within its own limit': async ({ store }) => {
    await limitTo(store, { concurrency: 2 }, 'a')
    await limitTo(store, { concurrency: 1, keyConcurrency: 1 }, 'b')
    const kinds = ['a', 'b', 'c']
    await store.insert(series('', 4).flatMap((n) => kinds.map((kind) => newJob({ id: kind + n, kind }))))
    assert.deepEqual(idsOf(await claim(store, { kinds, limit: 6 })), ['a1', 'b1', 'c1', 'a2', 'c2', 'c3'])
    assert.deepEqual(idsOf(await claim(store, { kinds })), ['c4'])
  },

  'concurrency: jobs that cannot start at once take at most half of the places that are left': async ({
    store,
  }) => {
    await limitTo(store, { concurrency: 10 })
    await put(store, ...series('', 40))
    assert.equal((await claim(store, { limit: 30, startable: 2 })).length, 5)
    assert.equal((await claim(store, { limit: 30, startable: 4 })).length, 4)
    assert.equal((await claim(store, { limit: 30, startable: 0 })).length, 0)
    assert.equal((await claim(store, { limit: 30, startable: 1 })).length, 1)
  },

  'concurrency: priority decides within a limit too': async ({ store, clock }) => {
    await limitTo(store, { concurrency: 1 })
    await put(store, '2', { id: '1', priority: 1 }, { id: '3', runAt: later(clock, 1) })
    await clock.advance('1s')
    for (const id of ['1', '2', '3']) await store.settle([done(await claimOnly(store, id))])
  },

  'keyConcurrency: at most that many jobs of a key at once, and others overtake them': async ({ store }) => {
    await limitTo(store, { keyConcurrency: 2 })
    const ofAda = series('ada', 20).map((id) => ({ id, key: 'ada' }))
    await put(
      store,
      ...ofAda,
      { id: 'bob1', key: 'bob' },
      { id: 'bob2', key: 'bob' },
      { id: 'bob3', key: 'bob' },
    )
    const first = await claim(store, { limit: 3 })
    assert.deepEqual(idsOf(first), ['ada1', 'ada2', 'bob1'])
    assert.deepEqual(idsOf(await claim(store)), ['bob2'])
    assert.deepEqual(await claim(store), [])
    await store.settle([done(first[0]!)])
    assert.deepEqual(idsOf(await claim(store)), ['ada3'])
  },

  'keyConcurrency: jobs without a key are not counted': async ({ store }) => {
    await limitTo(store, { keyConcurrency: 1 })
    await put(store, { id: '1', key: 'x' }, { id: '2', key: 'x' }, '3', '4', '5')
    assert.deepEqual(idsOf(await claim(store)), ['1', '3', '4', '5'])
  },

  'keyConcurrency: a key of two kinds is counted for each kind': async ({ store }) => {
    await limitTo(store, { keyConcurrency: 1 }, 'a')
    await limitTo(store, { keyConcurrency: 1 }, 'b')
    const kinds = ['a', 'b', 'c']
    await store.insert(
      series('', 2).flatMap((n) => kinds.map((kind) => newJob({ id: kind + n, kind, key: 'x' }))),
    )
    assert.deepEqual(idsOf(await claim(store, { kinds })), ['a1', 'b1', 'c1', 'c2'])
  },

  'keyConcurrency: applies together with concurrency': async ({ store }) => {
    await limitTo(store, { concurrency: 3, keyConcurrency: 2 })
    const keys = ['x', 'x', 'x', 'y', 'y', 'y']
    await put(store, ...keys.map((key, at) => ({ id: `${key}${at}`, key })))
    const jobs = await claim(store)
    assert.deepEqual(idsOf(jobs), ['x0', 'x1', 'y3'])
    await store.settle([done(jobs[2]!)])
    assert.deepEqual(idsOf(await claim(store)), ['y4'])
  },

  'keyConcurrency: every way to end a claim makes room for one job': async ({ store, clock }) => {
    await limitTo(store, { keyConcurrency: 1 })
    await put(store, ...series('', 6).map((id) => ({ id, key: 'x' })))
    await store.settle([done(await claimOnly(store, '1'))])
    await store.settle([again(await claimOnly(store, '2'), { delayMs: HOUR_MS })])
    await store.release([await claimOnly(store, '3')])
    const third = await claimOnly(store, '3')
    await store.cancel('3')
    assert.deepEqual(await claim(store), [])
    await store.settle([done(third)])
    await claimOnly(store, '4')
    await clock.advance(LEASE_MS + 1)
    assert.equal((await claimOnly(store, '4')).crashes, 1)
  },

  'limit: a new limit replaces the previous one, no limit removes it': async ({ store }) => {
    await limitTo(store, { concurrency: 1 })
    await put(store, ...series('', 9))
    await claimOnly(store, '1')
    await limitTo(store, { concurrency: 3 })
    assert.deepEqual(idsOf(await claim(store)), ['2', '3'])
    await limitTo(store, { concurrency: 2 })
    assert.deepEqual(await claim(store), [])
    await limitTo(store)
    assert.equal((await claim(store)).length, 6)
  },

  'limit: a limit set while jobs run counts those that it can': async ({ store }) => {
    await put(store, '1', '2')
    const [first] = await claim(store, { limit: 1 })
    await limitTo(store, { concurrency: 1 })
    await store.settle([done(first!)])
    await claimOnly(store, '2')
  },

  'limit: a waiting job does not count for an ended one with its id': async ({ store }) => {
    await put(store, '1', '2')
    const [first] = await claim(store)
    await store.settle([done(first!)])
    await store.prune(0, 1)
    await put(store, '1')
    await limitTo(store, { concurrency: 2 })
    await claimOnly(store, '1')
  },

  'limit: a limit on one kind leaves those of other kinds alone': async ({ store }) => {
    await limitTo(store, { concurrency: 1 }, 'a')
    await limitTo(store, { concurrency: 1 }, 'b')
    await limitTo(store, {}, 'b')
    await put(store, '1', '2')
    await claimOnly(store, '1')
    assert.deepEqual(await claim(store), [])
  },
}
