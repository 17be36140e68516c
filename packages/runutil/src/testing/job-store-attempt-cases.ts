import assert from 'node:assert/strict'
import type { LeasedJob } from '../queue/job.ts'
import type { JobStore } from '../queue/job-store.ts'
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
  put,
  series,
  settlement,
} from './job-store-case.ts'

/** The numbers of attempts, and the errors that are kept of them. */
export const attemptCases: JobStoreCases = {
  'attempts: each counted one has the next number': async ({ store }) => {
    let job = await held(store, '1')
    assert.equal(job.attempt, 1)
    for (const attempt of [2, 3, 4]) {
      job = await retried(store, job)
      assert.deepEqual([job.attempt, job.attemptsDone], [attempt, attempt - 1])
    }
  },

  'attempts: one that a stop ended adds to attemptsDone, but has its number again': async ({ store }) => {
    let job = await retried(store, await held(store, '1'))
    for (const attemptsDone of [2, 3]) {
      job = await retried(store, job, { stopped: true, lastError: 'aborted: x' })
      assert.deepEqual([job.attempt, job.attemptsDone, job.lastError], [2, attemptsDone, 'aborted: x'])
    }
    job = await retried(store, job)
    assert.deepEqual([job.attempt, job.attemptsDone], [3, 4])
  },

  'attempts: a crash, a release and an uncounted retry have the number again': async (context) => {
    const { store } = context
    await retried(store, await held(store, '1'))
    await expire(context)
    const afterCrash = await claimOnly(store, '1')
    assert.deepEqual([afterCrash.attempt, afterCrash.crashes], [2, 1])
    await store.release([afterCrash])
    const afterRelease = await claimOnly(store, '1')
    assert.equal(afterRelease.attempt, 2)
    assert.equal((await retried(store, afterRelease, { counted: false, stopped: true })).attempt, 2)
  },

  'errors: those of failed attempts are kept, with their time and number, oldest first': async (context) => {
    const { store, clock } = context
    const start = clock.now()
    let job = await held(store, '1')
    assert.equal('errors' in (await got(store, '1')), false)
    await clock.advance(10)
    job = await retried(store, job, { lastError: 'retryable-error: x' })
    assert.equal('errors' in job, false)
    await clock.advance(10)
    await store.settle([failed(job, 'no disk')])
    assert.deepEqual((await got(store, '1')).errors, [
      { at: new Date(start + 10), attempt: 1, message: 'retryable-error: x' },
      { at: new Date(start + 20), attempt: 2, message: 'no disk' },
    ])
  },

  'errors: the last five are kept, also when the job is DONE': async ({ store }) => {
    let job = await held(store, '1')
    for (let attempt = 1; attempt <= 7; attempt++)
      job = await retried(store, job, { lastError: `no ${attempt}` })
    await store.settle([done(job, '1')])
    const { errors, lastError, status } = await got(store, '1')
    assert.deepEqual([status, lastError], ['DONE', undefined])
    assert.deepEqual(
      errors!.map(({ attempt, message }) => [attempt, message]),
      [3, 4, 5, 6, 7].map((attempt) => [attempt, `no ${attempt}`]),
    )
  },

  'errors: one of a crash is kept, none of a stop, a cancellation or an uncounted retry': async ({
    store,
  }) => {
    await put(store, '1', '2', '3', '4')
    const [first, second, third] = await claim(store, { limit: 3 })
    await store.settle([
      settlement(first!, { status: 'PANIC', lastError: 'panic: crashed', counted: false }),
      again(second!, { stopped: true }),
      again(third!, { counted: false }),
    ])
    await store.cancel('4')
    const { errors, attemptsDone } = await got(store, '1')
    assert.deepEqual([errors!.map(({ message }) => message), attemptsDone], [['panic: crashed'], 0])
    for (const id of ['2', '3', '4']) assert.equal('errors' in (await got(store, id)), false)
  },

  'errors: what is lost or settled twice adds none': async (context) => {
    const { store } = context
    const stale = await held(store, '1')
    await expire(context)
    const job = await claimOnly(store, '1')
    await store.settle([failed(stale, 'stale')])
    await store.settle([failed(job, 'once')])
    await store.settle([failed(job, 'twice')])
    assert.deepEqual(
      (await got(store, '1')).errors!.map(({ message }) => message),
      ['once'],
    )
  },

  'errors: any text is kept, of a long one the beginning': async ({ store }) => {
    const texts = ['"quoted" \\ and\nnext', '', '🎉'.repeat(5_000), 'x'.repeat(5_000)]
    await put(store, ...series('', texts.length))
    const jobs = await claim(store)
    await store.settle(jobs.map((job, at) => failed(job, texts[at])))
    for (const [at, text] of texts.entries()) {
      const { errors, lastError } = await got(store, `${at + 1}`)
      assert.equal(lastError, text)
      assert.equal(errors![0]!.message, Array.from(text).slice(0, 4_000).join(''))
    }
  },

  'errors: in a batch, each job has its own, and those that are DONE have none': async ({ store }) => {
    const ids = series('', 150)
    await put(store, ...ids)
    const jobs = await claim(store, { limit: 150 })
    const isOdd = (job: LeasedJob): boolean => Number(job.id) % 2 === 1
    await store.settle(jobs.map((job) => (isOdd(job) ? failed(job, `no ${job.id}`) : done(job, job.id))))
    for (const job of jobs) {
      const { errors, result } = await got(store, job.id)
      if (isOdd(job)) assert.deepEqual([errors![0]!.message, result], [`no ${job.id}`, undefined])
      else assert.deepEqual([errors, result], [undefined, Number(job.id)])
    }
  },

  'get: endedAt is when the job ended, and stays': async ({ store, clock }) => {
    await put(store, 'done', 'failed', 'panicked', 'cancelled', 'retried')
    const [first, second, third, , fifth] = await claim(store)
    const at = new Date(clock.now() + 1_000)
    await clock.advance('1s')
    const batch = [
      done(first!),
      failed(second!),
      settlement(third!, { status: 'PANIC', lastError: 'x' }),
      again(fifth!),
    ]
    await store.settle(batch)
    await store.cancel('cancelled')
    await clock.advance('1s')
    await store.settle(batch)
    await store.renew(batch, LEASE_MS)
    for (const id of ['done', 'failed', 'panicked', 'cancelled']) {
      assert.deepEqual((await got(store, id)).endedAt, at)
    }
    assert.equal('endedAt' in (await got(store, 'retried')), false)
  },

  'get: a job has the priority and key that it was inserted with, also when it has ended': async ({
    store,
  }) => {
    await put(store, { id: '1', priority: -3, key: 'ada' }, '2')
    const [second, first] = await claim(store)
    await store.settle([done(first!), failed(second!)])
    const one = await got(store, '1')
    const two = await got(store, '2')
    assert.deepEqual([one.priority, one.key, two.priority, 'key' in two], [-3, 'ada', 0, false])
  },
}

/** Settles a job as to be retried at once, and claims it again. */
async function retried(
  store: JobStore,
  job: LeasedJob,
  given: Parameters<typeof again>[1] = {},
): Promise<LeasedJob> {
  await store.settle([again(job, given)])
  return claimOnly(store, job.id)
}
