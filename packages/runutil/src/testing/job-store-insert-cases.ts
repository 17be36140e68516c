import assert from 'node:assert/strict'
import { ErrJobExists } from '../queue/errors.ts'
import type { NewJob } from '../queue/job-store.ts'
import {
  type JobStoreCases,
  atOnce,
  claim,
  claimOnly,
  done,
  got,
  idsOf,
  later,
  newJob,
  put,
} from './job-store-case.ts'

export const insertCases: JobStoreCases = {
  'insert: a job is PENDING and has the fields it was given': async ({ store, clock }) => {
    const runAt = later(clock, 60_000)
    await put(store, { id: '1', kind: 'mail', runAt, priority: 7, key: 'ada', payload: '{"to":"ada"}' })
    const now = new Date(clock.now())
    assert.deepEqual(await store.get('1'), {
      id: '1',
      kind: 'mail',
      runAt,
      priority: 7,
      key: 'ada',
      payload: { to: 'ada' },
      status: 'PENDING',
      createdAt: now,
      updatedAt: now,
      attemptsDone: 0,
    })
  },

  'insert: a runAt that is omitted or in the past is now': async ({ store, clock }) => {
    await clock.advance('1h')
    await put(
      store,
      '1',
      { id: '2', runAt: later(clock, -1) },
      { id: '3', runAt: new Date(-1e12) },
      { id: '4', runAt: new Date(-8.64e15) },
    )
    for (const id of ['1', '2', '3', '4'])
      assert.deepEqual((await got(store, id)).runAt, new Date(clock.now()))
  },

  'insert: a delay counts from when the job is stored': async ({ store, clock }) => {
    await clock.advance('1h')
    await put(store, { id: '1', delayMs: 20_000 }, { id: '2', delayMs: 0 }, { id: '3' })
    assert.deepEqual((await got(store, '1')).runAt, later(clock, 20_000))
    assert.deepEqual((await got(store, '2')).runAt, new Date(clock.now()))
    assert.deepEqual(idsOf(await claim(store)), ['2', '3'])
    await clock.advance(19_999)
    assert.deepEqual(await claim(store), [])
    await clock.advance(1)
    assert.deepEqual(idsOf(await claim(store)), ['1'])
  },

  'insert: a thousand delayed jobs of one call wait': async ({ store, clock }) => {
    const jobs = Array.from({ length: 1_000 }, (_, at) => newJob({ id: `job ${at}`, delayMs: 5_000 }))
    await store.insert(jobs)
    assert.deepEqual(await claim(store), [])
    await clock.advance(5_000)
    assert.deepEqual(idsOf(await claim(store, { limit: 2_000 })), idsOf(jobs))
  },

  'insert: an empty list is accepted': async ({ store }) => {
    await store.insert([])
    assert.deepEqual(await store.counts(), {})
  },

  'insert: if one id exists, no job of the call is stored': async ({ store }) => {
    await put(store, 'old', 'older')
    await assert.rejects(put(store, '1', 'old', '2', 'older', '3'), jobExists('old', 'older'))
    assert.deepEqual(idsOf(await claim(store)), ['old', 'older'])
    assert.equal(await store.get('1'), undefined)
  },

  'insert: an id exists whatever the status of its job': async ({ store }) => {
    await put(store, 'ended')
    await store.settle([done(await claimOnly(store, 'ended'))])
    await put(store, 'running')
    await claimOnly(store, 'running')
    await assert.rejects(put(store, { id: 'ended', kind: 'b' }), jobExists('ended'))
    await assert.rejects(put(store, { id: 'running', kind: 'b' }), jobExists('running'))
  },

  'insert: if an id comes twice in one call, no job of the call is stored': async ({ store }) => {
    await assert.rejects(put(store, '1', '2', '1'), jobExists('1'))
    assert.deepEqual(await store.counts(), {})
  },

  'insert: after a refused call the same jobs are stored without the wrong one': async ({ store }) => {
    await put(store, 'old')
    await assert.rejects(put(store, '1', 'old'), jobExists('old'))
    await put(store, '1')
    assert.deepEqual(idsOf(await claim(store)), ['old', '1'])
  },

  'insert: a thousand jobs in one call keep their order': async ({ store }) => {
    const jobs = Array.from({ length: 1_000 }, (_, at) => newJob({ id: `job ${at}` }))
    await store.insert(jobs)
    assert.deepEqual(idsOf(await claim(store, { limit: 2_000 })), idsOf(jobs))
  },

  'insert: very many jobs in one call are all stored in their order, or none is': async ({ store }) => {
    const jobs = Array.from({ length: 12_000 }, (_, at) => newJob({ id: `job ${at}` }))
    await store.insert([newJob({ id: 'job 3', kind: 'other' }), newJob({ id: 'job 11500', kind: 'other' })])
    await assert.rejects(store.insert(jobs), jobExists('job 3', 'job 11500'))
    assert.deepEqual(await claim(store, { limit: 1 }), [])
    const others = jobs.map((job) => ({ ...job, id: `other ${job.id}` }))
    await store.insert(others)
    assert.deepEqual(idsOf(await claim(store, { limit: 20_000 })), idsOf(others))
  },

  'insert: large jobs, in concurrent calls or in one call, are all stored': async ({ store }) => {
    const large = (id: string): NewJob => newJob({ id, payload: `"${'x'.repeat(2 * 2 ** 20)}"` })
    const ids = ['1', '2', '3', '4', '5', '6']
    await atOnce([...ids.map((id) => store.insert([large(id)])), put(store, 'small')])
    await store.insert(ids.map((id) => large(`one call ${id}`)))
    await assert.rejects(
      store.insert(['7', 'one call 1', '8', '9', '10', 'one call 6'].map(large)),
      jobExists('one call 1', 'one call 6'),
    )
    assert.equal(await store.get('7'), undefined)
    assert.deepEqual(await store.counts(), { a: { PENDING: 13, RUNNING: 0, DONE: 0, FAILED: 0, PANIC: 0 } })
  },

  'get: a job that was never inserted is undefined': async ({ store }) => {
    assert.equal(await store.get('nobody'), undefined)
  },
}

function jobExists(...ids: string[]): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof ErrJobExists, `expected ErrJobExists; got ${String(error)}`)
    assert.deepEqual([...new Set(error.ids)].sort(), [...ids].sort())
    return true
  }
}
