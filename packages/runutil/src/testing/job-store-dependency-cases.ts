import assert from 'node:assert/strict'
import type { QueryStatus } from '../queue/job-query.ts'
import type { JobStore } from '../queue/job-store.ts'
import { parseQuery } from '../queue/parse-query.ts'
import { jobsOf } from './job-store-dependencies.ts'
import {
  type JobStoreCases,
  again,
  atOnce,
  claim,
  claimOnly,
  done,
  expire,
  failed,
  got,
  idsOf,
  later,
  put,
  rules,
  series,
} from './job-store-case.ts'

/** Ends the only ready job. */
async function finish(store: JobStore, id: string, result?: string): Promise<void> {
  assert.deepEqual(await store.settle([done(await claimOnly(store, id), result)]), [])
}

async function fail(store: JobStore, id: string): Promise<void> {
  assert.deepEqual(await store.settle([failed(await claimOnly(store, id))]), [])
}

async function found(store: JobStore, status: QueryStatus): Promise<string[]> {
  return idsOf((await store.list(parseQuery({ status }, 'list'), { limit: 10, after: undefined })).jobs)
}

async function nothingIsReady(store: JobStore): Promise<void> {
  assert.deepEqual(idsOf(await claim(store)), [])
}

async function failedBy(store: JobStore, root: string, ...ids: string[]): Promise<void> {
  for (const id of ids) {
    const { status, lastError, endedAt } = await got(store, id)
    assert.deepEqual([id, status, lastError], [id, 'FAILED', `dependency ${root} failed`])
    assert.ok(endedAt)
  }
}

/** Jobs that run after others. */
export const dependencyCases: JobStoreCases = {
  'dependencies: a job runs when those that it runs after are DONE, whatever order they were stored in':
    async ({ store }) => {
      await store.insert(jobsOf({ last: ['left', 'right'], right: ['first'], left: ['first'], first: [] }))
      assert.deepEqual((await got(store, 'last')).after, ['left', 'right'])
      assert.deepEqual((await got(store, 'last')).waitsFor, ['left', 'right'])
      await finish(store, 'first')
      const both = await claim(store)
      assert.deepEqual(idsOf(both).sort(), ['left', 'right'])
      await store.settle([done(both[0]!)])
      await nothingIsReady(store)
      assert.deepEqual((await got(store, 'last')).waitsFor, [both[1]!.id])
      await store.settle([done(both[1]!)])
      assert.equal((await got(store, 'last')).waitsFor, undefined)
      await finish(store, 'last')
      assert.equal((await got(store, 'last')).status, 'DONE')
      assert.deepEqual((await got(store, 'last')).after, ['left', 'right'])
    },

  'dependencies: a job may run after stored ones, ended or not': async ({ store }) => {
    await put(store, 'ended', 'open')
    const [ended] = await claim(store, { limit: 1 })
    await store.settle([done(ended!)])
    await store.insert(jobsOf({ x: ['ended'], y: ['ended', 'open'] }))
    const ready = await claim(store)
    assert.deepEqual(idsOf(ready), ['open', 'x'])
    await store.settle(ready.map((job) => done(job)))
    await finish(store, 'y')
  },

  'dependencies: the results of those that are DONE are there, and of no others': async ({ store }) => {
    await store.insert(jobsOf({ a: [], b: ['a'], c: [] }))
    await store.insert(jobsOf({ z: ['a', 'b', 'c'] }, 'end'))
    const [a, c] = await claim(store)
    await store.settle([done(a!, '{"n":1}'), failed(c!)])
    await finish(store, 'b')
    const known = await store.dependencies('z')
    assert.deepEqual(
      known.sort((x, y) => (x.id < y.id ? -1 : 1)),
      [
        { id: 'a', kind: 'a', result: { n: 1 } },
        { id: 'b', kind: 'a', result: undefined },
      ],
    )
    assert.deepEqual(await store.dependencies('a'), [])
    assert.deepEqual(await store.dependencies('unknown'), [])
  },

  'dependencies: after any end, a job runs when the others have ended': async ({ store }) => {
    await store.insert([...jobsOf({ a: [], b: ['a'], c: ['b'] }), ...jobsOf({ z: ['a', 'c'] }, 'end')])
    await fail(store, 'a')
    await failedBy(store, 'a', 'b', 'c')
    await finish(store, 'z')
  },

  'dependencies: an unknown one is refused by its id, and nothing is stored': async ({ store }) => {
    await put(store, 'there')
    await assert.rejects(store.insert(jobsOf({ a: ['there', 'not there'] })), {
      code: 'ERR_INVALID_JOB',
      message: /"not there"/,
    })
    assert.equal(await store.get('a'), undefined)
    assert.deepEqual(idsOf(await claim(store)), ['there'])
  },

  'dependencies: a retry keeps those after the job waiting': async ({ store }) => {
    await store.insert(jobsOf({ a: [], b: ['a'] }))
    await store.settle([again(await claimOnly(store, 'a'))])
    assert.equal((await got(store, 'b')).status, 'PENDING')
    await finish(store, 'a')
    await finish(store, 'b')
  },

  'dependencies: a crash keeps those after the job waiting': async (context) => {
    const { store } = context
    await store.insert(jobsOf({ a: [], b: ['a'] }))
    await claimOnly(store, 'a')
    await expire(context)
    await finish(store, 'a')
    await finish(store, 'b')
  },

  'dependencies: when one fails, all after it end as FAILED by the first that failed': async ({ store }) => {
    await store.insert(jobsOf({ a: [], b: ['a'], c: ['b'], d: ['c', 'x'], x: [] }))
    const [a, x] = await claim(store)
    await store.settle([failed(a!)])
    await failedBy(store, 'a', 'b', 'c', 'd')
    await store.settle([done(x!)])
    await nothingIsReady(store)
  },

  'dependencies: when one is cancelled, waiting, running or blocked, those after it end': async ({
    store,
  }) => {
    await store.insert(jobsOf({ a: [], b: ['a'], c: ['b'] }))
    assert.equal(await store.cancel('b'), true)
    assert.equal((await got(store, 'b')).lastError, 'cancelled')
    await failedBy(store, 'b', 'c')
    await store.insert(jobsOf({ d: ['a'] }))
    const a = await claimOnly(store, 'a')
    assert.equal(await store.cancel('a'), true)
    await failedBy(store, 'a', 'd')
    await store.settle([done(a)])
    await nothingIsReady(store)
  },

  'dependencies: a job stored after a failed one fails at once, with the first as the reason': async ({
    store,
  }) => {
    await store.insert(jobsOf({ a: [], b: ['a'] }))
    await fail(store, 'a')
    await store.insert(jobsOf({ late: ['b'], later: ['late'], other: [] }))
    await failedBy(store, 'a', 'late', 'later')
    await finish(store, 'other')
  },

  'dependencies: a time to run counts beside those that a job waits for': async ({ store, clock }) => {
    const runAt = later(clock, 60_000)
    await store.insert(
      jobsOf({ a: [], b: ['a'], c: ['a'] }).map((job) => (job.id === 'b' ? { ...job, runAt } : job)),
    )
    await finish(store, 'a')
    await finish(store, 'c')
    await nothingIsReady(store)
    await clock.advance(60_000)
    await finish(store, 'b')
  },

  'dependencies: one that waits is due from the end of the last that it waited for': async ({
    store,
    clock,
  }) => {
    await store.insert(jobsOf({ a: [], b: ['a'] }))
    const a = await claimOnly(store, 'a')
    await clock.advance(5_000)
    await put(store, 'older')
    await clock.advance(5_000)
    await store.settle([done(a)])
    const freedAt = clock.now()
    await clock.advance(5_000)
    await put(store, 'newer')
    const jobs = await claim(store)
    assert.deepEqual(idsOf(jobs), ['older', 'b', 'newer'])
    assert.equal(jobs[1]!.runAt.getTime(), freedAt)
  },

  'dependencies: an ended job stays stored while one after it has not ended': async ({ store, clock }) => {
    await store.setRules('worker', new Map([['a', rules({}, { doneMs: 1_000, failedMs: 1_000 })]]))
    await store.insert(jobsOf({ a: [], b: ['a'] }))
    await finish(store, 'a', '1')
    await clock.advance(50_000)
    while (await store.pruneByRules());
    assert.equal(await store.prune(0, 10), 0)
    const b = await claimOnly(store, 'b')
    assert.deepEqual(await store.dependencies('b'), [{ id: 'a', kind: 'a', result: 1 }])
    await store.settle([done(b)])
    await clock.advance(1)
    assert.equal(await store.prune(0, 10), 2)
    assert.equal(await store.get('a'), undefined)
  },

  'dependencies: blocked jobs count as PENDING': async ({ store }) => {
    await store.insert(jobsOf({ a: [], b: ['a'], c: ['b'] }))
    const a = await claimOnly(store, 'a')
    assert.deepEqual((await store.counts())['a'], { PENDING: 2, RUNNING: 1, DONE: 0, FAILED: 0, PANIC: 0 })
    const [stats] = await store.stats()
    assert.deepEqual(
      [stats!.kind, stats!.waiting, stats!.blocked, stats!.due, stats!.running],
      ['a', 0, 2, 0, 1],
    )
    assert.deepEqual(await found(store, 'BLOCKED'), ['c', 'b'])
    assert.deepEqual(await found(store, 'WAITING'), [])
    assert.deepEqual(await found(store, 'PENDING'), ['c', 'b', 'a'])
    await store.settle([failed(a)])
    assert.deepEqual((await store.counts())['a'], { PENDING: 0, RUNNING: 0, DONE: 0, FAILED: 3, PANIC: 0 })
    assert.deepEqual(await found(store, 'BLOCKED'), [])
    assert.deepEqual((await found(store, 'FAILED')).sort(), ['a', 'b', 'c'])
  },

  'dependencies: one of very many that fail in time, none of which runs': async ({ store }) => {
    const many = series('n', 2_500)
    await store.insert(jobsOf({ root: [], ...Object.fromEntries(many.map((id) => [id, ['root']])) }))
    await store.insert(jobsOf(Object.fromEntries(many.map((id) => [`after ${id}`, [id]]))))
    await fail(store, 'root')
    await nothingIsReady(store)
    while (await store.failDependents());
    assert.equal((await store.counts())['a']!.FAILED, 5_001)
    await failedBy(store, 'root', 'n1', 'n2500', 'after n1', 'after n2500')
  },

  'dependencies: all of a long chain fail in time, none of which runs': async ({ store }) => {
    const chain = series('n', 2_500)
    await store.insert(
      jobsOf(Object.fromEntries(chain.map((id, at) => [id, chain.slice(Math.max(0, at - 1), at)]))),
    )
    await fail(store, 'n1')
    await nothingIsReady(store)
    while (await store.failDependents());
    assert.equal((await store.counts())['a']!.FAILED, 2_500)
    await failedBy(store, 'n1', 'n2', 'n1001', 'n2500')
  },

  'dependencies: a graph of very many jobs in one call is stored, or none of it': async ({ store }) => {
    const ids = series('n', 5_500)
    const graph = Object.fromEntries(
      ids.map((id, at) => [id, at % 10 === 9 ? [] : ids.slice(at + 1, at + 2)]),
    )
    await assert.rejects(store.insert(jobsOf({ ...graph, n17: ['unknown'] })), /"unknown"/)
    assert.deepEqual(await store.counts(), {})
    await store.insert(jobsOf(graph))
    assert.deepEqual((await got(store, 'n4999')).waitsFor, ['n5000'])
    assert.equal((await claim(store, { limit: 1_000 })).length, 550)
  },

  'dependencies: jobs that end at the same time unblock one that waits for all of them': async ({
    store,
  }) => {
    for (const round of series('round ', 5)) {
      const ids = series(`${round} `, 8)
      await store.insert(
        jobsOf({ ...Object.fromEntries(ids.map((id) => [id, []])), [`last of ${round}`]: ids }),
      )
      const jobs = await claim(store, { limit: 8 })
      await nothingIsReady(store)
      await atOnce(jobs.map((job) => store.settle([done(job)])))
      await finish(store, `last of ${round}`)
    }
  },
}
