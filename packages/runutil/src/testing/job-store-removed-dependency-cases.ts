import assert from 'node:assert/strict'
import type { JobStore } from '../queue/job-store.ts'
import { jobsOf } from './job-store-dependencies.ts'
import {
  type JobStoreCases,
  claim,
  claimOnly,
  done,
  failed,
  got,
  idsOf,
  later,
  newJob,
  put,
} from './job-store-case.ts'

const retried = async (store: JobStore, id: string): Promise<string[]> =>
  idsOf(await store.retryJobs([{ id }]))

/** Jobs that run after others which aren't stored any more. */
export const removedDependencyCases: JobStoreCases = {
  'dependencies: a job with one that failed and was removed stays failed when the other is retried, whatever has its id now':
    async ({ store }) => {
      await store.insert(jobsOf({ gone: [], a: [], b: ['gone', 'a'] }))
      await store.settle((await claim(store)).map((job) => failed(job)))
      assert.equal(await store.deleteJobs(['gone']), 1)
      await put(store, { id: 'gone', kind: 'other' })
      assert.deepEqual(await retried(store, 'a'), ['a'])
      assert.equal((await got(store, 'b')).status, 'FAILED')
      await store.settle([done(await claimOnly(store, 'a'))])
      assert.deepEqual(await claim(store), [])
    },

  'dependencies: one that was cancelled while it waited for a removed job cannot be retried, unless that was DONE':
    async ({ store }) => {
      await store.insert(jobsOf({ good: [], bad: [], x: ['good'], y: ['bad'] }))
      assert.equal(await store.cancelJobs(['x', 'y']), 2)
      const [good, bad] = await claim(store)
      await store.settle([done(good!), failed(bad!)])
      assert.equal(await store.deleteJobs(['good', 'bad']), 2)
      assert.deepEqual(await retried(store, 'y'), [])
      assert.deepEqual(await retried(store, 'x'), ['x'])
      await claimOnly(store, 'x')
    },

  'dependencies: one that waits and is replaced after those before it were removed keeps to its new time':
    async ({ store, clock }) => {
      await store.insert(jobsOf({ a: [], b: ['a'] }))
      await store.settle([done(await claimOnly(store, 'a'))])
      await store.settle([failed(await claimOnly(store, 'b'))])
      assert.equal(await store.deleteJobs(['a']), 1)
      assert.deepEqual(await retried(store, 'b'), ['b'])
      const by = newJob({ id: 'b', runAt: later(clock, 1_000), payload: '2' })
      assert.deepEqual(await store.insert([by], { onExists: 'replace' }), [{ id: 'b', outcome: 'replaced' }])
      assert.deepEqual(await claim(store), [])
      await clock.advance(1_000)
      assert.equal((await claimOnly(store, 'b')).payload, 2)
      assert.deepEqual(await store.insert([by], { onExists: 'replace' }), [{ id: 'b', outcome: 'skipped' }])
    },
}
