import assert from 'node:assert/strict'
import type { ClaimOptions } from '../queue/claim-options.ts'
import { ErrInvalidJob } from '../queue/errors.ts'
import type { JobStore, SettledAndClaimed } from '../queue/job-store.ts'
import type { Settlement } from '../queue/outcome.ts'
import {
  type JobStoreCases,
  LEASE_MS,
  again,
  atOnce,
  claim,
  claimOnly,
  done,
  expire,
  failed,
  got,
  held,
  idsOf,
  later,
  limitTo,
  put,
  series,
} from './job-store-case.ts'

/** Settling some jobs and claiming the next at once: as a worker does it, which claims again where that has brought none. */
export const settleAndClaimCases: JobStoreCases = {
  'settle and claim: the outcome is recorded and the next job claimed, one after another': async ({
    store,
    clock,
  }) => {
    await put(store, ...series('', 5))
    let [job] = await claim(store, { limit: 1 })
    for (const id of series('', 5).slice(1)) {
      await clock.advance(1)
      const { lost, jobs } = await settleAndClaim(store, [done(job!, `"${job!.id}"`)], { limit: 1 })
      assert.deepEqual([lost, idsOf(jobs)], [[], [id]])
      const settled = await got(store, job!.id)
      assert.deepEqual([settled.status, settled.result, settled.attemptsDone], ['DONE', job!.id, 1])
      assert.deepEqual(settled.endedAt, new Date(clock.now()))
      assert.ok(jobs[0]!.claim > job!.claim, 'expected a claim number that grows')
      job = jobs[0]
    }
    assert.deepEqual(await settleAndClaim(store, [done(job!)]), { lost: [], jobs: [] })
    assert.deepEqual((await store.counts())['a'], { PENDING: 0, RUNNING: 0, DONE: 5, FAILED: 0, PANIC: 0 })
  },

  'settle and claim: some of one claim and of several, by any outcome': async ({ store, clock }) => {
    await put(store, ...series('', 9))
    const [one, two, three] = await claim(store, { limit: 3 })
    const [four] = await claim(store, { limit: 1 })
    await clock.advance(1)
    const batch = [done(one!), failed(two!), again(four!)]
    const { lost, jobs } = await settleAndClaim(store, batch, { limit: 3 })
    assert.deepEqual([lost, idsOf(jobs)], [[], ['5', '6', '7']])
    assert.deepEqual(await store.renew([three!, ...jobs], LEASE_MS), [])
    const after = await settleAndClaim(
      store,
      [...jobs, three!].map((job) => done(job)),
    )
    assert.deepEqual([after.lost, idsOf(after.jobs)], [[], ['8', '9', '4']])
    const statuses = await Promise.all(['1', '2', '3', '4'].map(async (id) => (await got(store, id)).status))
    assert.deepEqual(statuses, ['DONE', 'FAILED', 'DONE', 'PENDING'])
    assert.equal((await got(store, '4')).attemptsDone, 1)
  },

  'settle and claim: claims by priority, then runAt, then insertion, of all kinds': async ({
    store,
    clock,
  }) => {
    const job = await held(store, '0')
    const early = later(clock, 10)
    await put(store, { id: '1', priority: -1 }, { id: '2', kind: 'b', runAt: later(clock, 20) })
    await put(
      store,
      { id: '3', runAt: early },
      { id: '4', kind: 'b', runAt: early },
      { id: '5', priority: 1 },
    )
    await clock.advance(30)
    const { jobs } = await settleAndClaim(store, [done(job)], { kinds: ['a', 'b'], limit: 4 })
    assert.deepEqual(idsOf(jobs), ['5', '3', '4', '2'])
    const next = await settleAndClaim(store, [done(jobs[0]!)], { kinds: ['b', 'a'], limit: 4 })
    assert.deepEqual(idsOf(next.jobs), ['1'])
  },

  'settle and claim: a job that has fallen due comes in its turn': async ({ store, clock }) => {
    const job = await held(store, '0')
    await put(store, '1', { id: '2', priority: 1, runAt: later(clock, 1_000) })
    await clock.advance(1_000)
    const { jobs } = await settleAndClaim(store, [done(job)], { limit: 1 })
    assert.deepEqual(idsOf(jobs), ['2'])
  },

  'settle and claim: a run of jobs is claimed in its order': async ({ store }) => {
    const job = await held(store, 'first')
    await put(store, ...series('', 150))
    const next = await settleAndClaim(store, [done(job)], { limit: 1 })
    assert.deepEqual(idsOf(next.jobs), ['1'])
    const more = await settleAndClaim(store, [done(next.jobs[0]!)], { limit: 16 })
    assert.deepEqual(idsOf(more.jobs), series('', 17).slice(1))
    const rest = await settleAndClaim(
      store,
      more.jobs.map((one) => done(one)),
      { limit: 200 },
    )
    assert.deepEqual(idsOf(rest.jobs), series('', 150).slice(17))
  },

  'settle and claim: a lost claim is reported, and changes nothing': async (context) => {
    const { store } = context
    const stale = await held(store, '1')
    await expire(context)
    const current = await claimOnly(store, '1')
    await put(store, '2')
    const late = done(stale)
    const { lost, jobs } = await settleAndClaim(store, [late])
    assert.deepEqual([lost, idsOf(jobs)], [[late], ['2']])
    assert.equal((await got(store, '1')).status, 'PENDING')
    assert.deepEqual((await settleAndClaim(store, [done(current), late])).lost, [late])
    assert.equal((await got(store, '1')).status, 'DONE')
  },

  'settle and claim: an outcome counts while no other claim has taken the freed job': async (context) => {
    const { store } = context
    const job = await held(store, '1')
    await expire(context)
    assert.deepEqual(await settleAndClaim(store, [done(job, '"late"')]), { lost: [], jobs: [] })
    assert.equal((await got(store, '1')).result, 'late')
    assert.deepEqual(await settleAndClaim(store, [done(job, '"again"')]), { lost: [], jobs: [] })
    assert.equal((await got(store, '1')).result, 'late')
  },

  'settle and claim: what was cancelled stays so, and its outcome is lost': async ({ store }) => {
    const job = await held(store, '1')
    await put(store, '2')
    await store.cancel('1')
    const late = done(job)
    const { lost, jobs } = await settleAndClaim(store, [late])
    assert.deepEqual([lost, idsOf(jobs)], [[late], ['2']])
    const cancelled = await got(store, '1')
    assert.deepEqual([cancelled.status, cancelled.lastError], ['FAILED', 'cancelled'])
  },

  'settle and claim: where an outcome is refused, nothing is settled or claimed': async ({ store }) => {
    await put(store, '1', '2', '3')
    const [one, two] = await claim(store, { limit: 2 })
    const bad = again(two!, { delayMs: -1 })
    await assert.rejects(settleAndClaim(store, [done(one!), bad], { limit: 1 }), ErrInvalidJob)
    assert.deepEqual((await store.counts())['a'], { PENDING: 1, RUNNING: 2, DONE: 0, FAILED: 0, PANIC: 0 })
    const { jobs } = await settleAndClaim(store, [done(one!), done(two!)], { limit: 1 })
    assert.deepEqual(idsOf(jobs), ['3'])
  },

  'settle and claim: the claimed job crashes, and is renewed, released and freed like any other': async (
    context,
  ) => {
    const { store, clock } = context
    const job = await held(store, '1')
    await put(store, '2', '3', '4')
    const { jobs } = await settleAndClaim(store, [done(job)], { limit: 2 })
    await clock.advance(LEASE_MS - 1)
    assert.deepEqual(await store.renew([jobs[0]!], LEASE_MS), [])
    await store.release([jobs[1]!])
    const third = await settleAndClaim(store, [done(jobs[0]!)], { limit: 1 })
    assert.deepEqual(idsOf(third.jobs), ['3'])
    await expire(context)
    const after = await claim(store)
    assert.deepEqual(
      after.map(({ id, crashes }) => [id, crashes]),
      [
        ['3', 1],
        ['4', 0],
      ],
    )
  },

  'settle and claim: a claim whose answer was lost is no crash for its holder': async (context) => {
    const { store } = context
    const job = await held(store, '1')
    await put(store, '2')
    const { jobs } = await settleAndClaim(store, [done(job)], { holder: 7 })
    assert.deepEqual(idsOf(jobs), ['2'])
    await expire(context, { holder: 7, holding: new Set() })
    assert.equal((await claimOnly(store, '2')).crashes, 0)
  },

  'settle and claim: limits hold, and the settled job has given its place up': async ({ store }) => {
    await limitTo(store, { concurrency: 1 })
    await put(store, '1', '2', '3')
    const first = await claimOnly(store, '1')
    const { jobs } = await settleAndClaim(store, [done(first)])
    assert.deepEqual(idsOf(jobs), ['2'])
    assert.deepEqual(await claim(store), [])
    await limitTo(store)
    assert.deepEqual(idsOf((await settleAndClaim(store, [done(jobs[0]!)])).jobs), ['3'])
  },

  'settle and claim: nothing of a paused kind': async ({ store }) => {
    const job = await held(store, '1')
    await put(store, '2', { id: '3', kind: 'b' })
    await store.pause('a')
    const { jobs } = await settleAndClaim(store, [done(job)], { kinds: ['a', 'b'] })
    assert.deepEqual(idsOf(jobs), ['3'])
    assert.deepEqual((await settleAndClaim(store, [done(jobs[0]!)], { limit: 1 })).jobs, [])
    await store.resume('a')
    await claimOnly(store, '2')
  },

  'settle and claim: a job that ran after the settled one is claimed': async ({ store }) => {
    const after = { ids: ['1'], on: 'done' as const }
    await put(store, '1', { id: '2', after: { ...after } }, { id: '3', after: { ...after, ids: ['2'] } })
    let job = await claimOnly(store, '1')
    for (const id of ['2', '3']) {
      const { jobs } = await settleAndClaim(store, [done(job)], { limit: 1 })
      assert.deepEqual(idsOf(jobs), [id])
      job = jobs[0]!
    }
  },

  'settle and claim: unique keys are given up by the end of a job and by the start of another': async ({
    store,
  }) => {
    const ended = { key: 'e', until: 'ended' as const }
    const started = { key: 's', until: 'started' as const }
    await put(store, { id: '1', unique: ended }, { id: '2', unique: started })
    const [job] = await claim(store, { limit: 1 })
    const { jobs } = await settleAndClaim(store, [done(job!)], { limit: 1 })
    assert.deepEqual(idsOf(jobs), ['2'])
    assert.deepEqual(
      (await put(store, { id: '3', unique: ended }, { id: '4', unique: started })).map(({ id }) => id),
      ['3', '4'],
    )
  },

  'settle and claim: no more bytes than allowed, but one job if so wished': async ({ store }) => {
    const job = await held(store, '1')
    const payload = JSON.stringify('x'.repeat(1_000))
    await put(store, { id: '2', payload }, { id: '3', payload }, '4')
    const none = await settleAndClaim(store, [done(job)], { maxBytes: 500, orOne: false })
    assert.deepEqual(none.jobs, [])
    const one = await settleAndClaim(store, [done(job)], { maxBytes: 1_500 })
    assert.deepEqual(idsOf(one.jobs), ['2'])
    assert.equal(one.jobs[0]!.payloadBytes, 1_002)
    const next = await settleAndClaim(store, [done(one.jobs[0]!)], { maxBytes: 500, limit: 1 })
    assert.deepEqual(idsOf(next.jobs), ['3'])
  },

  'settle and claim: no job on its last chance': async (context) => {
    const { store } = context
    await held(store, '1')
    await expire(context)
    await put(store, { id: '2', priority: 1 })
    const [job] = await claim(store, { limit: 1 })
    assert.equal(job!.id, '2')
    assert.deepEqual(
      (await settleAndClaim(store, [done(job!)], { maxCrashes: 1, lastChance: false })).jobs,
      [],
    )
    assert.equal((await claimOnly(store, '1')).crashes, 1)
  },

  'settle and claim: calls at the same time claim each job once': async ({ store }) => {
    await put(store, ...series('', 40))
    const first = await claim(store, { limit: 5 })
    const claimed = [...first]
    let running = first
    while (running.length > 0) {
      const answers = await atOnce(running.map((job) => settleAndClaim(store, [done(job)], { limit: 1 })))
      assert.deepEqual(
        answers.flatMap(({ lost }) => lost),
        [],
      )
      running = answers.flatMap(({ jobs }) => jobs)
      claimed.push(...running)
    }
    assert.deepEqual(
      idsOf(claimed).toSorted((a, b) => Number(a) - Number(b)),
      series('', 40),
    )
    assert.equal((await store.counts())['a']!.DONE, 40)
  },
}

interface Claim extends ClaimOptions {
  readonly kinds?: string[]
  readonly limit?: number
}

/** In two calls where the store has no `settleAndClaim`, and where that has claimed nothing. */
async function settleAndClaim(
  store: JobStore,
  batch: readonly Settlement[],
  { kinds = ['a'], limit = 100, ...options }: Claim = {},
): Promise<SettledAndClaimed> {
  const both = await store.settleAndClaim?.(batch, kinds, limit, LEASE_MS, options)
  const lost = both?.lost ?? (await store.settle(batch))
  if (both !== undefined && both.jobs.length > 0) return both
  return { lost, jobs: await claim(store, { kinds, limit, ...options }) }
}
