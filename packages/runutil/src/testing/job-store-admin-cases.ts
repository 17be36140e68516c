import assert from 'node:assert/strict'
import {
  type JobStoreCases,
  LEASE_MS,
  again,
  claim,
  claimOnly,
  done,
  failed,
  got,
  held,
  idsOf,
  later,
  put,
  series,
  settlement,
} from './job-store-case.ts'

/** The calls of an operator: cancel, retryNow, counts, prune. */
export const adminCases: JobStoreCases = {
  'cancel: a waiting job ends FAILED and never runs': async ({ store, clock }) => {
    await put(store, '1', { id: '2', runAt: later(clock, 1_000) })
    await clock.advance(500)
    assert.deepEqual([await store.cancel('1'), await store.cancel('2')], [true, true])
    for (const id of ['1', '2']) {
      const { status, lastError, attemptsDone, updatedAt } = await got(store, id)
      assert.deepEqual([status, lastError, attemptsDone], ['FAILED', 'cancelled', 0])
      assert.deepEqual(updatedAt, new Date(clock.now()))
    }
    await clock.advance('1d')
    assert.deepEqual(await claim(store), [])
  },

  'cancel: a running job ends FAILED, and its claim is lost': async ({ store, clock }) => {
    const job = await held(store, '1')
    assert.equal(await store.cancel('1'), true)
    assert.deepEqual(await store.renew([job], LEASE_MS), [job])
    const late = [done(job, '"late"')]
    assert.deepEqual(await store.settle(late), late)
    await store.release([job])
    await clock.advance('1d')
    assert.deepEqual(await claim(store), [])
    const { status, lastError, result } = await got(store, '1')
    assert.deepEqual([status, lastError, result], ['FAILED', 'cancelled', undefined])
  },

  'cancel and retryNow: false for ended and unknown jobs, which they do not change': async ({ store }) => {
    await put(store, '1', '2', '3', '4')
    const [one, two, three] = await claim(store, { limit: 3 })
    await store.settle([
      done(one!, '1'),
      failed(two!),
      settlement(three!, { status: 'PANIC', lastError: 'x' }),
    ])
    await store.cancel('4')
    const before = await Promise.all(['1', '2', '3', '4'].map((id) => got(store, id)))
    for (const id of ['1', '2', '3', '4', 'nobody']) {
      assert.deepEqual([await store.cancel(id), await store.retryNow(id)], [false, false])
    }
    assert.deepEqual(await Promise.all(['1', '2', '3', '4'].map((id) => got(store, id))), before)
    assert.deepEqual(await claim(store), [])
  },

  "retryNow: a waiting job's time comes now": async ({ store, clock }) => {
    await put(store, { id: '1', runAt: later(clock, 86_400_000) })
    await clock.advance('1s')
    assert.equal(await store.retryNow('1'), true)
    assert.deepEqual((await got(store, '1')).runAt, new Date(clock.now()))
    const job = await claimOnly(store, '1')
    await store.settle([again(job, { delayMs: 60_000 })])
    assert.equal(await store.retryNow('1'), true)
    assert.equal((await claimOnly(store, '1')).attemptsDone, 1)
  },

  'retryNow: a job that is due keeps its place': async ({ store, clock }) => {
    await put(store, '1', '2')
    await clock.advance('1s')
    assert.equal(await store.retryNow('1'), true)
    assert.deepEqual(idsOf(await claim(store)), ['1', '2'])
  },

  'retryNow: a running job continues unchanged': async ({ store, clock }) => {
    const job = await held(store, '1')
    await clock.advance('1s')
    assert.equal(await store.retryNow('1'), true)
    assert.deepEqual(await claim(store), [])
    assert.deepEqual(await store.renew([job], LEASE_MS), [])
    assert.deepEqual(await store.settle([done(job)]), [])
  },

  'counts: by kind and status, running jobs separately': async ({ store, clock }) => {
    assert.deepEqual(await store.counts(), {})
    await put(store, ...series('a', 6), { id: 'b', kind: 'b' }, { id: 'later', runAt: later(clock, 1_000) })
    const [one, two, three, four, five] = await claim(store, { limit: 5 })
    await store.settle([done(one!), failed(two!), settlement(three!, { status: 'PANIC', lastError: 'x' })])
    await store.settle([again(four!)])
    assert.equal(five!.id, 'a5')
    assert.deepEqual(await store.counts(), {
      a: { PENDING: 3, RUNNING: 1, DONE: 1, FAILED: 1, PANIC: 1 },
      b: { PENDING: 1, RUNNING: 0, DONE: 0, FAILED: 0, PANIC: 0 },
    })
  },

  'prune: removes jobs that ended longer ago than the retention, and no others': async ({ store, clock }) => {
    await put(store, 'done', 'failed', 'cancelled', 'running', 'retried', 'waiting')
    const [one, two, , , five] = await claim(store, { limit: 5, lease: '30d' })
    await store.settle([done(one!), failed(two!), again(five!)])
    await store.cancel('cancelled')
    await clock.advance('1h')
    await put(store, 'young')
    await store.cancel('young')
    assert.equal(await store.prune('61m', 100), 0)
    assert.equal(await store.prune('59m', 100), 3)
    assert.equal(await store.prune('59m', 100), 0)
    for (const id of ['done', 'failed', 'cancelled']) assert.equal(await store.get(id), undefined)
    for (const id of ['running', 'retried', 'waiting', 'young']) await got(store, id)
  },

  'prune: removes at most the given number at once': async ({ store, clock }) => {
    await put(store, ...series('', 5))
    await store.settle((await claim(store)).map((job) => done(job)))
    await clock.advance('1h')
    assert.deepEqual(
      [await store.prune('1m', 2), await store.prune('1m', 2), await store.prune('1m', 2)],
      [2, 2, 1],
    )
  },

  'prune: the id of a removed job is free again': async ({ store, clock }) => {
    const job = await held(store, '1')
    await store.settle([done(job, '1')])
    await clock.advance('1h')
    assert.equal(await store.prune('1m', 10), 1)
    await put(store, '1')
    const late = done(job, '1')
    assert.deepEqual(await store.settle([late]), [late])
    assert.equal((await claimOnly(store, '1')).attemptsDone, 0)
  },
}
