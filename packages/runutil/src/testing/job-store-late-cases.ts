import assert from 'node:assert/strict'
import {
  type JobStoreCases,
  LEASE_MS,
  again,
  claim,
  claimOnly,
  done,
  expire,
  failed,
  got,
  held,
  idsOf,
  limitTo,
  put,
} from './job-store-case.ts'

/** Outcomes, renewals and releases of a process that was blocked or suspended for longer than its lease. */
export const lateCases: JobStoreCases = {
  'late: an outcome counts while no other claim has taken the job': async (context) => {
    const { store, clock } = context
    await put(store, '1', '2', { id: '3', key: 'x' })
    const [first, second, third] = await claim(store)
    await expire(context)
    assert.deepEqual(await store.settle([done(first!, '"late"'), failed(second!), again(third!)]), [])
    const one = await got(store, '1')
    const two = await got(store, '2')
    assert.deepEqual([one.status, one.result, one.attemptsDone], ['DONE', 'late', 1])
    assert.deepEqual([two.status, two.attemptsDone], ['FAILED', 1])
    assert.ok(one.lastAttemptAt! <= new Date(clock.now() - LEASE_MS), 'expected the time of the claim')
    const next = await claimOnly(store, '3')
    assert.deepEqual([next.crashes, next.attemptsDone], [0, 1])
    assert.deepEqual(await store.settle([done(first!)]), [])
  },

  'late: each outcome of a batch that was freed in part is recorded once': async (context) => {
    const { store } = context
    await put(store, '1', '2', '3')
    const [first] = await claim(store, { limit: 1 })
    const [second, third] = await claim(store, { lease: '1h' })
    await expire(context)
    assert.deepEqual(await store.settle([again(second!), done(first!), done(third!)]), [])
    assert.equal((await got(store, '3')).attemptsDone, 1)
    const next = await claimOnly(store, '2')
    assert.deepEqual([next.attemptsDone, next.crashes], [1, 0])
  },

  'late: an outcome is lost if another claim took the job, even if that claim released it': async (
    context,
  ) => {
    const { store } = context
    const stale = await held(store, '1')
    await expire(context)
    await store.release([await claimOnly(store, '1')])
    const late = done(stale)
    assert.deepEqual(await store.settle([late]), [late])
    assert.deepEqual(await store.renew([stale], LEASE_MS), [stale])
    await store.release([stale])
    assert.equal((await claimOnly(store, '1')).crashes, 1)
  },

  'late: after two expired claims, the last one counts': async (context) => {
    const { store } = context
    const first = await held(store, '1')
    await expire(context)
    const second = await claimOnly(store, '1')
    await expire(context)
    const stale = done(first, '1')
    const late = done(second, '2')
    assert.deepEqual(await store.settle([stale, late]), [stale])
    assert.equal((await got(store, '1')).result, 2)
  },

  'late: a renewal reclaims a freed job and revokes its crash': async (context) => {
    const { store, clock } = context
    await put(store, '1', '2')
    const jobs = await claim(store)
    await expire(context)
    assert.deepEqual(await store.renew(jobs, LEASE_MS), [])
    await clock.advance(LEASE_MS - 1)
    assert.deepEqual(await claim(store), [])
    assert.deepEqual(await store.settle([again(jobs[0]!)]), [])
    await clock.advance(2)
    assert.deepEqual(
      (await claim(store)).map(({ id, crashes }) => [id, crashes]),
      [
        ['2', 1],
        ['1', 0],
      ],
    )
  },

  'late: a release of a freed job revokes its crash': async (context) => {
    const { store } = context
    const job = await held(store, '1')
    await expire(context)
    await store.release([job])
    const next = await claimOnly(store, '1')
    assert.deepEqual([next.crashes, next.attemptsDone], [0, 0])
  },

  'late: a freed job that was cancelled or made due at once remains so': async (context) => {
    const { store } = context
    await put(store, '1', '2')
    const [first, second] = await claim(store)
    await expire(context)
    assert.deepEqual([await store.cancel('1'), await store.retryNow('2')], [true, true])
    const late = done(first!)
    assert.deepEqual(await store.settle([late, done(second!)]), [late])
    assert.deepEqual([(await got(store, '1')).status, (await got(store, '2')).status], ['FAILED', 'DONE'])
  },

  'late: a freed job counts under its limit again when it is renewed, until it ends': async (context) => {
    const { store } = context
    await limitTo(store, { concurrency: 1 })
    await put(store, '1', '2')
    const first = await claimOnly(store, '1')
    await expire(context)
    assert.deepEqual(await store.renew([first], LEASE_MS), [])
    assert.deepEqual(await claim(store), [])
    assert.deepEqual(await store.settle([done(first)]), [])
    assert.deepEqual(idsOf(await claim(store)), ['2'])
  },

  'late: a new job of the same id is another job': async (context) => {
    const { store } = context
    const stale = await held(store, '1')
    await expire(context)
    await store.cancel('1')
    await store.prune(0, 1)
    await put(store, '1')
    const late = done(stale)
    assert.deepEqual(await store.settle([late]), [late])
    assert.deepEqual(await store.renew([stale], LEASE_MS), [stale])
    await claimOnly(store, '1')
  },
}
