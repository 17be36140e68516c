import assert from 'node:assert/strict'
import { ErrJobExists } from '../queue/errors.ts'
import type { LeasedJob } from '../queue/job.ts'
import {
  type JobStoreCases,
  type JobStoreContext,
  LEASE_MS,
  again,
  atOnce,
  claim,
  done,
  held,
  idsOf,
  limitTo,
  newJob,
  put,
  series,
} from './job-store-case.ts'
import { Probe } from './probe.ts'

/** Concurrent calls, and notifications between callers. */
export const raceCases: JobStoreCases = {
  'race: many concurrent claims never get the same job': async (context) => {
    await put(context.store, ...series('', 60))
    const jobs = await claimAtOnce(context, 8, 5)
    assert.equal(new Set(idsOf(jobs)).size, jobs.length)
    const rest = await claim(context.store)
    assert.equal(jobs.length + rest.length, 60)
  },

  'race: many concurrent claims stay within a concurrency': async (context) => {
    await limitTo(context.store, { concurrency: 5 })
    await put(context.store, ...series('', 40))
    const jobs = await claimAtOnce(context, 8, 3)
    assert.ok(jobs.length <= 5, `expected at most 5 jobs; got ${jobs.length}`)
    assert.equal(jobs.length + (await claim(context.store)).length, 5)
  },

  'race: many concurrent claims stay within a keyConcurrency': async (context) => {
    await limitTo(context.store, { keyConcurrency: 1 })
    const keys = ['x', 'y', 'z']
    await put(context.store, ...keys.flatMap((key) => series(key, 9).map((id) => ({ id, key }))))
    const jobs = [...(await claimAtOnce(context, 6, 2)), ...(await claim(context.store))]
    assert.deepEqual(jobs.map(({ key }) => key).sort(), keys)
  },

  'race: many concurrent claims stay within a rate': async (context) => {
    await limitTo(context.store, { rate: { limit: 4, perMs: 60_000 } })
    await put(context.store, ...series('', 40))
    const jobs = [...(await claimAtOnce(context, 8, 3)), ...(await claim(context.store))]
    assert.equal(jobs.length, 4)
  },

  "race: claims of limited kinds in any order don't block each other for good": async (context) => {
    const { store } = context
    const kinds = ['a', 'b', 'c', 'd']
    for (const kind of kinds) await limitTo(store, { concurrency: 3 }, kind)
    await store.insert(series('', 6).flatMap((n) => kinds.map((kind) => newJob({ id: kind + n, kind }))))
    const orders = [kinds, [...kinds].reverse(), ['c', 'a'], ['b', 'd', 'a']]
    const claims = await Promise.all(
      [...orders, ...orders].map((some) => claim(store, { kinds: some, limit: 4 })),
    )
    const jobs = [...claims.flat(), ...(await claim(store, { kinds }))]
    assert.equal(new Set(idsOf(jobs)).size, 12)
    assert.equal(jobs.length, 12)
  },

  'race: of many concurrent inserts with one id, one is stored completely': async ({ store }) => {
    const calls = series('', 6).map((n) => ['same', `${n}x`, 'also the same', `${n}y`])
    // Every second call in reverse order.
    const inserts = calls.map((ids, at) => put(store, ...(at % 2 === 0 ? ids : [...ids].reverse())))
    const outcomes = await Promise.allSettled(inserts)
    const refused = outcomes.filter((outcome) => outcome.status === 'rejected')
    assert.equal(refused.length, calls.length - 1)
    for (const { reason } of refused) assert.ok(reason instanceof ErrJobExists, String(reason))
    const stored = calls[outcomes.findIndex(({ status }) => status === 'fulfilled')]!
    assert.deepEqual(idsOf(await claim(store)).sort(), [...stored].sort())
  },

  'race: with many concurrent calls for the same jobs, each job ends once': async ({ store }) => {
    await put(store, ...series('', 20))
    const jobs = await claim(store)
    const backwards = [...jobs].reverse()
    await atOnce([
      store.settle(jobs.map((job) => done(job, '1'))),
      store.settle(backwards.map((job) => done(job, '2'))),
      store.renew(jobs, '1m'),
      store.renew(backwards, '1m'),
      store.settle(jobs.map((job) => done(job, '3'))),
      ...jobs.map(({ id }) => store.get(id)),
    ])
    const ended = await Promise.all(jobs.map(({ id }) => store.get(id)))
    for (const job of ended) assert.deepEqual([job?.status, job?.attemptsDone], ['DONE', 1])
  },

  'race: jobs of one claim are settled, retried, released, renewed and cancelled at once, each once': async (
    context,
  ) => {
    const { store } = context
    await put(store, ...series('', 50))
    const jobs = await claim(store)
    const part = (at: number): LeasedJob[] => jobs.slice(10 * at, 10 * at + 10)
    await atOnce([
      store.settle(part(0).map((job) => done(job))),
      store.release(part(1)),
      store.renew(jobs, LEASE_MS),
      store.settle(part(2).map((job) => again(job))),
      store.release(part(3)),
      ...part(4).map(({ id }) => store.cancel(id)),
    ])
    assert.deepEqual(await store.counts(), { a: { PENDING: 30, RUNNING: 0, DONE: 10, FAILED: 10, PANIC: 0 } })
    assert.equal((await claim(store)).length, 30)
  },

  'race: a concurrent retry and cancel leave the job waiting or ended, without a claim': async ({
    store,
  }) => {
    const job = await held(store, '1')
    const [lost, cancelled] = await atOnce([store.settle([again(job)]), store.cancel('1')])
    assert.equal(cancelled, true)
    assert.ok(lost.length <= 1)
    assert.equal((await store.get('1'))?.status, 'FAILED')
    assert.deepEqual(await claim(store), [])
  },

  'listen: calls back after an insert': async ({ store }) => {
    const ready = new Probe('ready')
    const off = await store.listen(() => ready.hit())
    await put(store, '1')
    await ready.times(1)
    await off()
  },

  'listen: calls back after a release': async ({ store }) => {
    const ready = new Probe('ready')
    const job = await held(store, '1')
    const off = await store.listen(() => ready.hit())
    await store.release([job])
    await ready.times(1)
    await off()
  },

  "listen: one that was taken off isn't called, however often it is taken off": async ({ store }) => {
    const gone = new Probe('gone')
    const here = new Probe('here')
    const offs = [await store.listen(() => gone.hit()), await store.listen(() => here.hit())]
    await offs[0]!()
    await offs[0]!()
    await put(store, '1')
    await here.times(1)
    assert.equal(gone.count, 0)
    await offs[1]!()
  },

  'listen: one callback passed twice is called twice': async ({ store }) => {
    const ready = new Probe('ready')
    const callback = (): void => ready.hit()
    const offs = [await store.listen(callback), await store.listen(callback)]
    await put(store, '1')
    await ready.times(2)
    await offs[0]!()
    const before = ready.count
    await store.release(await claim(store))
    await ready.times(before + 1)
    await offs[1]!()
  },
}

async function claimAtOnce({ store }: JobStoreContext, claims: number, limit: number): Promise<LeasedJob[]> {
  return (await atOnce(Array.from({ length: claims }, () => claim(store, { limit })))).flat()
}
