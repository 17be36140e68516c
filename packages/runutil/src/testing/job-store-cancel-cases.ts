import assert from 'node:assert/strict'
import { type JobStoreCases, LEASE_MS, claim, claimOnly, done, got, limitTo, put } from './job-store-case.ts'

/** A handler hears only after a while that its job was cancelled, and may run on. */
export const cancelCases: JobStoreCases = {
  'concurrency: a cancelled job keeps its place until its holder says that it ended': async ({ store }) => {
    await limitTo(store, { concurrency: 1 })
    await put(store, '1', '2', '3')
    const first = await claimOnly(store, '1')
    await store.cancel('1')
    assert.deepEqual(await claim(store), [])
    assert.deepEqual(await store.settle([done(first)]), [done(first)])
    const second = await claimOnly(store, '2')
    await store.cancel('2')
    assert.deepEqual(await claim(store), [])
    await store.release([second])
    await claimOnly(store, '3')
  },

  'concurrency: a cancelled job keeps its place for as long as its lease is renewed': async (context) => {
    const { store, clock } = context
    await limitTo(store, { concurrency: 1 })
    await put(store, '1', '2')
    const first = await claimOnly(store, '1')
    await store.cancel('1')
    await clock.advance(LEASE_MS - 1)
    assert.deepEqual(await store.renew([first], LEASE_MS), [first])
    await clock.advance(LEASE_MS - 1)
    assert.deepEqual(await claim(store), [])
    await clock.advance(1)
    assert.equal((await claimOnly(store, '2')).crashes, 0)
    const { status, lastError } = await got(store, '1')
    assert.deepEqual([status, lastError], ['FAILED', 'cancelled'])
  },

  'concurrency: a job that is cancelled as it waits takes no place': async ({ store }) => {
    await limitTo(store, { concurrency: 1 })
    await put(store, '1', '2')
    await store.cancel('1')
    await claimOnly(store, '2')
  },

  'concurrency: a cancelled job keeps its place beside a new one of its id': async ({ store }) => {
    await limitTo(store, { concurrency: 2 })
    await put(store, '1')
    const stale = await claimOnly(store, '1')
    await store.cancel('1')
    await store.prune(0, 1)
    await put(store, '1', '2')
    const current = await claimOnly(store, '1')
    await store.settle([done(stale)])
    await claimOnly(store, '2')
    assert.deepEqual(await store.settle([done(current)]), [])
  },

  'limit: one that is set while a cancelled job runs counts it too': async ({ store }) => {
    await put(store, '1', '2')
    const [first] = await claim(store, { limit: 1 })
    await store.cancel('1')
    await limitTo(store, { concurrency: 1 })
    assert.deepEqual(await claim(store), [])
    await store.settle([done(first!)])
    await claimOnly(store, '2')
  },
}
