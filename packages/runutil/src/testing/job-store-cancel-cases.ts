import assert from 'node:assert/strict'
import { type JobStoreCases, LEASE_MS, claim, claimOnly, done, got, limitTo, put } from './job-store-case.ts'

/** A handler is notified of the cancellation of its job with a delay, and may continue. */
export const cancelCases: JobStoreCases = {
  'concurrency: a cancelled job counts until its holder settles or releases it': async ({ store }) => {
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

  'concurrency: a cancelled job counts for as long as its lease is renewed': async (context) => {
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

  'concurrency: a job cancelled while it waits does not count': async ({ store }) => {
    await limitTo(store, { concurrency: 1 })
    await put(store, '1', '2')
    await store.cancel('1')
    await claimOnly(store, '2')
  },

  'concurrency: a cancelled job counts beside a new job with its id': async ({ store }) => {
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

  'limit: a limit set while a cancelled job runs counts that job': async ({ store }) => {
    await put(store, '1', '2')
    const [first] = await claim(store, { limit: 1 })
    await store.cancel('1')
    await limitTo(store, { concurrency: 1 })
    assert.deepEqual(await claim(store), [])
    await store.settle([done(first!)])
    await claimOnly(store, '2')
  },
}
