import assert from 'node:assert/strict'
import { ErrInvalidJob, ErrJobExists } from '../queue/errors.ts'
import type { InsertOptions, JobStore } from '../queue/job-store.ts'
import type { Enqueued } from '../queue/job.ts'
import {
  type JobStoreCases,
  again,
  claim,
  claimOnly,
  done,
  expire,
  got,
  held,
  idsOf,
  later,
  limitTo,
  newJob,
  put,
  series,
} from './job-store-case.ts'

type Job = string | Parameters<typeof newJob>[0]

export function insert(store: JobStore, options: InsertOptions, ...jobs: Job[]): Promise<Enqueued[]> {
  return store.insert(
    jobs.map((job) => newJob(typeof job === 'string' ? { id: job } : job)),
    options,
  )
}

const skip = (store: JobStore, ...jobs: Job[]): Promise<Enqueued[]> =>
  insert(store, { onExists: 'skip' }, ...jobs)
const replace = (store: JobStore, ...jobs: Job[]): Promise<Enqueued[]> =>
  insert(store, { onExists: 'replace' }, ...jobs)

/** As 'stored 1'. */
export function outcomesOf(enqueued: readonly Enqueued[]): string[] {
  return enqueued.map(({ id, outcome }) => `${outcome} ${id}`)
}

/** What a call does with a job whose id exists. */
export const existsCases: JobStoreCases = {
  'exists: skip stores the other jobs of the call, in their order': async ({ store }) => {
    await put(store, '2', '4')
    assert.deepEqual(outcomesOf(await skip(store, '1', '2', '3', '4')), [
      'stored 1',
      'skipped 2',
      'stored 3',
      'skipped 4',
    ])
    assert.deepEqual(idsOf(await claim(store)), ['2', '4', '1', '3'])
  },

  'exists: a job that is skipped stays as it is, whatever its status and kind': async ({ store }) => {
    await store.settle([done(await held(store, 'ended'), '1')])
    await held(store, 'runs')
    await put(store, { id: 'waits', payload: '"old"' })
    const ids = ['ended', 'runs', 'waits']
    const before = await Promise.all(ids.map((id) => got(store, id)))
    const jobs = ids.map((id) => ({ id, kind: 'b', payload: '"new"' }))
    assert.deepEqual(outcomesOf(await skip(store, ...jobs)), [
      'skipped ended',
      'skipped runs',
      'skipped waits',
    ])
    assert.deepEqual(await Promise.all(ids.map((id) => got(store, id))), before)
  },

  'exists: an id twice in one call is stored once, and then as if it had been there': async ({ store }) => {
    assert.deepEqual(outcomesOf(await skip(store, '1', '2', '1')), ['stored 1', 'stored 2', 'skipped 1'])
    const twice = [
      { id: '3', payload: '1' },
      { id: '3', payload: '2' },
    ]
    assert.deepEqual(outcomesOf(await replace(store, ...twice)), ['stored 3', 'replaced 3'])
    assert.equal((await got(store, '3')).payload, 2)
    await assert.rejects(insert(store, {}, '5', '4', '4'), ErrJobExists)
    assert.equal(await store.get('5'), undefined)
  },

  'exists: replace gives a waiting job payload, runAt, priority and key': async ({ store, clock }) => {
    await put(store, { id: '1', payload: '"old"', key: 'ada' })
    const old = await got(store, '1')
    await clock.advance(1_000)
    const by = { id: '1', payload: '"new"', priority: 3, key: 'bob', runAt: later(clock, 60_000) }
    assert.deepEqual(outcomesOf(await replace(store, by)), ['replaced 1'])
    const { payload, priority, key, runAt, ...rest } = await got(store, '1')
    assert.deepEqual([payload, priority, key, runAt], ['new', 3, 'bob', later(clock, 60_000)])
    assert.deepEqual([rest.createdAt, rest.updatedAt], [old.createdAt, new Date(clock.now())])
    assert.deepEqual(await claim(store), [])
    await clock.advance(60_000)
    const job = await claimOnly(store, '1')
    assert.deepEqual([job.payload, job.priority, job.key], ['new', 3, 'bob'])
    await replace(store, { id: 'plain', key: 'ada' })
    await replace(store, 'plain')
    assert.equal('key' in (await got(store, 'plain')), false)
  },

  'exists: replace makes a job that waits for later due, or one that is due wait': async ({
    store,
    clock,
  }) => {
    await put(store, { id: '1', delayMs: 20_000 }, '2')
    await replace(store, '1', { id: '2', delayMs: 20_000 })
    await claimOnly(store, '1')
    await clock.advance(19_999)
    assert.deepEqual(await claim(store), [])
    await clock.advance(1)
    await claimOnly(store, '2')
  },

  'exists: replace keeps the attempts of a job that waits for a retry': async ({ store, clock }) => {
    await store.settle([again(await held(store, '1'), { delayMs: 20_000 })])
    assert.deepEqual(outcomesOf(await replace(store, { id: '1', payload: '"new"' })), ['replaced 1'])
    const job = await claimOnly(store, '1')
    assert.deepEqual([job.payload, job.attempt, job.attemptsDone, job.lastError], ['new', 2, 1, 'again'])
    await clock.advance(20_000)
    assert.deepEqual(await claim(store), [])
  },

  'exists: replace skips a job that runs or has ended': async ({ store }) => {
    await store.settle([done(await held(store, 'ended'))])
    const running = await held(store, 'runs')
    await put(store, 'cancelled')
    await store.cancel('cancelled')
    const outcomes = await replace(store, 'ended', { id: 'runs', payload: '"new"' }, 'cancelled')
    assert.deepEqual(outcomesOf(outcomes), ['skipped ended', 'skipped runs', 'skipped cancelled'])
    assert.equal((await got(store, 'runs')).payload, null)
    assert.deepEqual(await store.settle([done(running)]), [])
    assert.deepEqual(await claim(store), [])
  },

  'exists: replace refuses a job of another kind, and stores nothing': async ({ store }) => {
    await put(store, '1')
    await assert.rejects(replace(store, 'new', { id: '1', kind: 'b' }), (error) => {
      assert.ok(error instanceof ErrInvalidJob)
      assert.match(error.message, /job "1": expected kind "a".*got "b"/)
      return true
    })
    assert.equal(await store.get('new'), undefined)
    assert.equal((await got(store, '1')).kind, 'a')
  },

  'exists: what the claim of before reports of a job that was freed and replaced is lost': async (
    context,
  ) => {
    const { store } = context
    const old = await held(store, '1')
    await expire(context)
    assert.deepEqual(outcomesOf(await replace(store, { id: '1', payload: '"new"' })), ['replaced 1'])
    assert.deepEqual(
      await store.settle([done(old)]),
      [old].map((job) => done(job)),
    )
    const job = await claimOnly(store, '1')
    assert.deepEqual([job.payload, job.crashes], ['new', 1])
  },

  'exists: jobs that were enqueued together by the hundred are replaced one by one': async ({ store }) => {
    const ids = series('', 300)
    await put(store, ...ids)
    await replace(store, { id: '150', payload: '"new"', priority: 1 }, { id: '151', delayMs: 1_000 })
    const jobs = await claim(store, { limit: 400 })
    assert.deepEqual(idsOf(jobs), ['150', ...ids.filter((id) => id !== '150' && id !== '151')])
    assert.equal(jobs[0]!.payload, 'new')
  },

  'exists: a job that is replaced keeps its place among jobs of the same time': async ({ store, clock }) => {
    const runAt = later(clock, 60_000)
    await put(store, { id: '1', runAt }, { id: '2', runAt })
    await replace(store, { id: '1', runAt })
    await clock.advance(60_000)
    assert.deepEqual(idsOf(await claim(store)), ['1', '2'])
  },

  'exists: a job that is due and is replaced keeps its runAt, however often': async ({ store, clock }) => {
    const debounced = { onExists: 'replace', maxDelayMs: 1_000 } as const
    await put(store, '1', '2', { id: '3', delayMs: 500 })
    const { runAt } = await got(store, '1')
    await clock.advance(1_000)
    await put(store, '4')
    await clock.advance(1_000)
    await replace(store, '1', { id: '2', runAt: later(clock, -1) })
    await insert(store, debounced, { id: '3', delayMs: 500 })
    assert.deepEqual((await got(store, '1')).runAt, runAt)
    assert.deepEqual(idsOf(await claim(store)), ['1', '2', '3', '4'])
  },

  'exists: a job that is replaced counts by its new key and priority': async ({ store }) => {
    await limitTo(store, { keyConcurrency: 1 })
    await put(store, { id: '1', key: 'ada' }, { id: '2', key: 'ada' }, { id: '3', key: 'ada' })
    assert.deepEqual(idsOf(await claim(store)), ['1'])
    await replace(store, { id: '3', key: 'bob' })
    assert.deepEqual(idsOf(await claim(store)), ['3'])
    await replace(store, '2')
    assert.deepEqual(idsOf(await claim(store)), ['2'])
  },

  'exists: with a maxDelay a job that is replaced again and again runs in time': async ({ store, clock }) => {
    const debounced = { onExists: 'replace', maxDelayMs: 10_000 } as const
    await insert(store, debounced, { id: '1', delayMs: 4_000 })
    for (let round = 0; round < 3; round++) {
      await clock.advance(3_000)
      assert.deepEqual(await claim(store), [])
      await insert(store, debounced, { id: '1', delayMs: 4_000, payload: `${round}` })
    }
    await clock.advance(999)
    assert.deepEqual(await claim(store), [])
    await clock.advance(1)
    assert.equal((await claimOnly(store, '1')).payload, 2)
  },

  'exists: a maxDelay that is over makes a job due, and does not delay a first one': async ({
    store,
    clock,
  }) => {
    const debounced = { onExists: 'replace', maxDelayMs: 1_000 } as const
    await insert(store, debounced, { id: '1', delayMs: 60_000 })
    await clock.advance(5_000)
    assert.deepEqual(await claim(store), [])
    await insert(store, debounced, { id: '1', delayMs: 60_000 })
    assert.deepEqual((await got(store, '1')).runAt, new Date(clock.now()))
    await claimOnly(store, '1')
  },

  'exists: thousands of jobs, some of them there, are stored in one call': async ({ store }) => {
    const ids = series('', 6_000)
    await put(store, '3', '5999')
    const enqueued = await skip(store, ...ids)
    assert.deepEqual(idsOf(enqueued), ids)
    const skipped = enqueued.filter(({ outcome }) => outcome === 'skipped')
    assert.deepEqual(idsOf(skipped), ['3', '5999'])
    assert.deepEqual(idsOf(await claim(store, { limit: 7_000 })).length, 6_000)
  },
}
