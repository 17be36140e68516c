import assert from 'node:assert/strict'
import { ErrJobExists } from '../queue/errors.ts'
import {
  type JobStoreCases,
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
      ...{ id: '1', kind: 'mail', runAt, payload: { to: 'ada' }, status: 'PENDING' },
      ...{ createdAt: now, updatedAt: now, attemptsDone: 0 },
    })
  },

  'insert: a runAt that is left out or over is now': async ({ store, clock }) => {
    await clock.advance('1h')
    await put(store, '1', { id: '2', runAt: later(clock, -1) }, { id: '3', runAt: new Date(-1e12) })
    for (const id of ['1', '2', '3']) assert.deepEqual((await got(store, id)).runAt, new Date(clock.now()))
  },

  'insert: nothing is fine': async ({ store }) => {
    await store.insert([])
    assert.deepEqual(await store.counts(), {})
  },

  'insert: one id that exists, and none of the call is stored': async ({ store }) => {
    await put(store, 'old', 'older')
    await assert.rejects(put(store, '1', 'old', '2', 'older', '3'), jobExists('old', 'older'))
    assert.deepEqual(idsOf(await claim(store)), ['old', 'older'])
    assert.equal(await store.get('1'), undefined)
  },

  'insert: an id exists whatever became of its job': async ({ store }) => {
    await put(store, 'ended')
    await store.settle([done(await claimOnly(store, 'ended'))])
    await put(store, 'running')
    await claimOnly(store, 'running')
    await assert.rejects(put(store, { id: 'ended', kind: 'b' }), jobExists('ended'))
    await assert.rejects(put(store, { id: 'running', kind: 'b' }), jobExists('running'))
  },

  'insert: an id twice in one call, and none of the call is stored': async ({ store }) => {
    await assert.rejects(put(store, '1', '2', '1'), jobExists('1'))
    assert.deepEqual(await store.counts(), {})
  },

  'insert: after a refused call the same jobs go in without the wrong one': async ({ store }) => {
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

  'insert: of very many jobs in one call all are stored in their order, or none': async ({ store }) => {
    const jobs = Array.from({ length: 12_000 }, (_, at) => newJob({ id: `job ${at}` }))
    await store.insert([newJob({ id: 'job 3', kind: 'other' }), newJob({ id: 'job 11500', kind: 'other' })])
    await assert.rejects(store.insert(jobs), jobExists('job 3', 'job 11500'))
    assert.deepEqual(await claim(store, { limit: 1 }), [])
    const others = jobs.map((job) => ({ ...job, id: `other ${job.id}` }))
    await store.insert(others)
    assert.deepEqual(idsOf(await claim(store, { limit: 20_000 })), idsOf(others))
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
