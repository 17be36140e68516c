import assert from 'node:assert/strict'
import type { JobStore } from '../queue/job-store.ts'
import { type JobStoreCases, claim, claimOnly, done, failed, got, idsOf, put } from './job-store-case.ts'
import { assertHeldBy, take, unique } from './job-store-unique-cases.ts'

async function retry(store: JobStore, ...ids: string[]): Promise<string[]> {
  return idsOf(await store.retryJobs(ids.map((id) => ({ id })))).sort()
}

/** Which job holds a unique key once an operator has retried or deleted some. */
export const uniqueRetryCases: JobStoreCases = {
  'unique: a retried job takes its key again, until it has ended': async ({ store }) => {
    await put(store, unique('1'))
    await store.settle([failed(await claimOnly(store, '1'))])
    assert.deepEqual(await retry(store, '1'), ['1'])
    await assertHeldBy(store, '1')
    const job = await claimOnly(store, '1')
    await assertHeldBy(store, '1')
    await store.settle([done(job)])
    await take(store, '2')
  },

  'unique: a retried job takes its key again, until it has started': async ({ store }) => {
    await put(store, unique('1', 'started'), { ...unique('2', 'started'), kind: 'b' })
    const jobs = await claim(store, { kinds: ['a', 'b'] })
    await store.settle(jobs.map((job) => failed(job)))
    assert.deepEqual(await retry(store, '1', '2'), ['1', '2'])
    await assertHeldBy(store, '1')
    await claimOnly(store, '1')
    await take(store, '3')
  },

  'unique: a job whose key another holds is not retried, others of the call are': async ({ store }) => {
    await put(store, unique('1'), 'plain')
    const jobs = await claim(store)
    await store.settle(jobs.map((job) => failed(job)))
    await take(store, '2')
    assert.deepEqual(await retry(store, 'plain', '1'), ['plain'])
    assert.equal((await got(store, '1')).status, 'FAILED')
    await assertHeldBy(store, '2')
    assert.deepEqual(idsOf(await claim(store)).sort(), ['2', 'plain'])
    await store.cancel('2')
    assert.deepEqual(await retry(store, '1'), [])
  },

  'unique: of failed jobs with one key one is retried': async ({ store }) => {
    for (const id of ['1', '2']) {
      await put(store, unique(id))
      await store.settle([failed(await claimOnly(store, id))])
    }
    assert.deepEqual(await retry(store, '1', '2'), ['1'])
    await assertHeldBy(store, '1')
  },

  'unique: a job that was cancelled while it runs and is retried holds its key for itself': async ({
    store,
  }) => {
    await put(store, unique('1'))
    const old = await claimOnly(store, '1')
    await store.cancel('1')
    assert.deepEqual(await retry(store, '1'), ['1'])
    await store.settle([done(old)])
    await assertHeldBy(store, '1')
    await store.settle([done(await claimOnly(store, '1'))])
    await take(store, '2')
  },

  'unique: a job that is deleted frees its key': async ({ store }) => {
    await put(store, unique('1'))
    assert.equal(await store.deleteJobs(['1']), 1)
    await take(store, '2')
    await claimOnly(store, '2')
    await store.cancel('2')
    await assertHeldBy(store, '2')
    assert.equal(await store.deleteJobs(['2']), 1)
    await take(store, '3')
  },

  'unique: a job that is rescheduled keeps its key, and gives it up when it starts': async ({
    store,
    clock,
  }) => {
    await put(store, unique('1', 'started'))
    await store.reschedule('1', { delayMs: 1_000, payload: '"new"' })
    await assertHeldBy(store, '1')
    await clock.advance(1_000)
    await claimOnly(store, '1')
    await take(store, '2')
  },
}
