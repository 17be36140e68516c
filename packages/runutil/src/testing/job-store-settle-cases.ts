import assert from 'node:assert/strict'
import { InvalidDurationError } from '../core/errors.ts'
import { ErrInvalidJob } from '../queue/errors.ts'
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
  settlement,
} from './job-store-case.ts'

export const settleCases: JobStoreCases = {
  'settle: DONE keeps the result and counts the attempt': async ({ store, clock }) => {
    const job = await held(store, '1')
    await clock.advance('1s')
    assert.deepEqual(await store.settle([done(job, '{"a":[1]}')]), [])
    const { status, result, attemptsDone, updatedAt, lastAttemptAt, lastError } = await got(store, '1')
    assert.deepEqual(
      { status, result, attemptsDone },
      { status: 'DONE', result: { a: [1] }, attemptsDone: 1 },
    )
    assert.deepEqual([updatedAt, lastError], [new Date(clock.now()), undefined])
    // Between the claim and the end of the attempt.
    assert.ok(lastAttemptAt! >= later(clock, -1_000) && lastAttemptAt! <= later(clock, 0))
    assert.deepEqual(await claim(store), [])
  },

  'settle: DONE without a result has none; null is a result': async ({ store }) => {
    await put(store, '1', '2')
    const [first, second] = await claim(store)
    await store.settle([done(first!), done(second!, 'null')])
    assert.equal('result' in (await got(store, '1')), false)
    assert.equal((await got(store, '2')).result, null)
  },

  'settle: FAILED and PANIC end a job and keep the reason': async ({ store, clock }) => {
    await put(store, '1', '2')
    const [first, second] = await claim(store)
    await store.settle([
      failed(first!, 'no disk'),
      settlement(second!, { status: 'PANIC', lastError: 'panic: x' }),
    ])
    const one = await got(store, '1')
    const two = await got(store, '2')
    assert.deepEqual([one.status, one.lastError, one.attemptsDone], ['FAILED', 'no disk', 1])
    assert.deepEqual([two.status, two.lastError, two.attemptsDone], ['PANIC', 'panic: x', 1])
    assert.equal('result' in one, false)
    await clock.advance('1d')
    assert.deepEqual(await claim(store), [])
  },

  'settle: a retry waits for its delay, keeps the reason and counts the attempt': async (context) => {
    const { store, clock } = context
    const job = await held(store, '1')
    await clock.advance('1s')
    assert.deepEqual(
      await store.settle([again(job, { delayMs: 5_000, lastError: 'retryable-error: x' })]),
      [],
    )
    const { status, runAt, attemptsDone, lastError } = await got(store, '1')
    assert.deepEqual([status, attemptsDone, lastError], ['PENDING', 1, 'retryable-error: x'])
    assert.deepEqual(runAt, later(clock, 5_000))
    await clock.advance(4_999)
    assert.deepEqual(await claim(store), [])
    await clock.advance(1)
    const next = await claimOnly(store, '1')
    assert.deepEqual([next.attemptsDone, next.lastError, next.crashes], [1, 'retryable-error: x', 0])
    await store.settle([done(next)])
    const ended = await got(store, '1')
    assert.deepEqual([ended.attemptsDone, ended.lastError], [2, undefined])
  },

  'settle: a retry may have a time of its own; one in the past is now': async ({ store, clock }) => {
    await put(store, '1', '2')
    const [first, second] = await claim(store)
    await clock.advance('1s')
    await store.settle([
      again(first!, { runAt: later(clock, 60_000), delayMs: 500 }),
      again(second!, { runAt: later(clock, -60_000), delayMs: 500 }),
    ])
    assert.deepEqual((await got(store, '1')).runAt, later(clock, 60_500))
    assert.deepEqual((await got(store, '2')).runAt, later(clock, 500))
  },

  'settle: an uncounted attempt does not change the number of attempts': async ({ store }) => {
    const job = await held(store, '1')
    await store.settle([again(job, { counted: false, lastError: undefined })])
    const { attemptsDone, lastAttemptAt, lastError } = await got(store, '1')
    assert.deepEqual([attemptsDone, lastAttemptAt, lastError], [0, undefined, undefined])
    assert.equal((await claimOnly(store, '1')).attemptsDone, 0)
  },

  'settle: many outcomes in one call, each job its own': async ({ store }) => {
    await put(store, '1', '2', '3', '4')
    const [one, two, three, four] = await claim(store)
    const panic = settlement(three!, { status: 'PANIC', lastError: 'panic' })
    assert.deepEqual(await store.settle([done(one!, '1'), failed(two!), panic, again(four!)]), [])
    const statuses = await Promise.all(['1', '2', '3', '4'].map(async (id) => (await got(store, id)).status))
    assert.deepEqual(statuses, ['DONE', 'FAILED', 'PANIC', 'PENDING'])
    assert.deepEqual(await store.settle([]), [])
  },

  'settle: an outcome of an older claim changes nothing and is returned, others are recorded': async (
    context,
  ) => {
    const { store, clock } = context
    await put(store, '1', '2')
    const [stale] = await claim(store, { limit: 1 })
    await clock.advance(LEASE_MS + 1)
    const [current, other] = await claim(store)
    const late = done(stale!, '"late"')
    assert.deepEqual(await store.settle([late, done(other!)]), [late])
    assert.equal((await got(store, '1')).status, 'PENDING')
    assert.equal((await got(store, '2')).status, 'DONE')
    assert.deepEqual(await store.settle([done(current!, '"in time"')]), [])
    assert.equal((await got(store, '1')).result, 'in time')
  },

  'settle: an outcome of an older claim does not change an ended job either': async ({ store, clock }) => {
    const stale = await held(store, '1')
    await clock.advance(LEASE_MS + 1)
    const current = await claimOnly(store, '1')
    await store.settle([done(current, '"in time"')])
    const late = failed(stale)
    assert.deepEqual(await store.settle([late]), [late])
    const { status, result, attemptsDone } = await got(store, '1')
    assert.deepEqual([status, result, attemptsDone], ['DONE', 'in time', 1])
  },

  'settle: a second end under one claim is not lost, but the first one stays': async ({ store }) => {
    const job = await held(store, '1')
    assert.deepEqual(await store.settle([done(job, '1')]), [])
    assert.deepEqual(await store.settle([done(job, '2')]), [])
    assert.deepEqual(await store.settle([failed(job)]), [])
    const { status, result, attemptsDone } = await got(store, '1')
    assert.deepEqual([status, result, attemptsDone], ['DONE', 1, 1])
  },

  'settle: a claim ends with a retry or a release': async ({ store }) => {
    await put(store, '1', '2')
    const [first, second] = await claim(store)
    await store.settle([again(first!)])
    await store.release([second!])
    const late = [done(first!), done(second!)]
    assert.deepEqual(await store.settle(late), late)
    assert.deepEqual(idsOf(await claim(store)).sort(), ['1', '2'])
  },

  'settle: an outcome of an unknown job is returned': async ({ store }) => {
    const job = await held(store, '1')
    const late = [done({ ...job, id: 'nobody' }), done({ ...job, claim: job.claim + 1 })]
    assert.deepEqual(await store.settle(late), late)
    assert.equal((await got(store, '1')).status, 'PENDING')
  },

  'settle: a time that no store can hold is refused, and nothing of the batch is recorded': async (
    context,
  ) => {
    const { store, clock } = context
    await put(store, '1', '2')
    const [first, second] = await claim(store)
    const wrong = [{ delayMs: 1e16 }, { delayMs: Infinity }, { delayMs: NaN }, { delayMs: -1 }]
    const dates = [new Date(8.64e15), new Date(NaN), new Date(Date.UTC(10_000, 0))]
    for (const given of [...wrong, ...dates.map((runAt) => ({ runAt }))]) {
      await assert.rejects(store.settle([done(second!), again(first!, given)]), ErrInvalidJob)
      assert.equal((await got(store, '2')).status, 'PENDING')
    }
    assert.deepEqual(await store.settle([done(second!), again(first!, { delayMs: 1e14 })]), [])
    assert.deepEqual((await got(store, '1')).runAt, later(clock, 1e14))
  },

  'settle: a time in the distant past is now': async ({ store, clock }) => {
    const job = await held(store, '1')
    assert.deepEqual(await store.settle([again(job, { runAt: new Date(-8.64e15) })]), [])
    assert.deepEqual((await got(store, '1')).runAt, later(clock, 0))
  },

  'claim and renew: a lease that no store can hold is refused': async ({ store }) => {
    const job = await held(store, '1')
    for (const lease of [1e16, Infinity, NaN, -1]) {
      await assert.rejects(store.claim(['a'], 1, lease), InvalidDurationError)
      await assert.rejects(store.renew([job], lease), InvalidDurationError)
    }
    assert.deepEqual(await store.renew([job], '365d'), [])
  },

  'release: a job is as if it had never been claimed': async ({ store, clock }) => {
    await put(store, '1', '2')
    const [first, second] = await claim(store)
    const before = await got(store, '1')
    await clock.advance('1s')
    await store.release([first!, second!])
    assert.deepEqual({ ...(await got(store, '1')), updatedAt: 0 }, { ...before, updatedAt: 0 })
    const [next] = await claim(store)
    assert.deepEqual([next!.id, next!.attemptsDone, next!.crashes], ['1', 0, 0])
    assert.ok(next!.claim > first!.claim)
  },

  'settle and release: a repeated call does not end the lease of other jobs of the claim': async ({
    store,
  }) => {
    await put(store, '1', '2', '3')
    const [first, second, third] = await claim(store)
    await store.settle([done(first!)])
    await store.settle([done(first!)])
    await store.release([first!, second!])
    await store.release([second!])
    assert.deepEqual(await store.renew([third!], LEASE_MS), [])
    assert.deepEqual(await store.settle([done(third!)]), [])
  },

  'release: changes nothing for an older claim, an ended job or an empty list': async ({ store, clock }) => {
    const stale = await held(store, '1')
    await clock.advance(LEASE_MS + 1)
    const current = await claimOnly(store, '1')
    await store.release([stale])
    await store.release([{ id: 'nobody', claim: 1 }])
    await store.release([])
    assert.deepEqual(await claim(store), [])
    await store.settle([done(current)])
    await store.release([current])
    assert.deepEqual(await claim(store), [])
  },
}
