import assert from 'node:assert/strict'
import type { JobStore, NewJob } from '../queue/job-store.ts'
import type { LeasedJob } from '../queue/job.ts'
import {
  type JobStoreCases,
  again,
  claim,
  claimOnly,
  done,
  expire,
  failed,
  got,
  newJob,
  put,
  series,
} from './job-store-case.ts'
import { insert, outcomesOf } from './job-store-exists-cases.ts'

/** The trace context of a span: its id ends in this digit. */
function context(digit: number): string {
  return `00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333${digit}-01`
}

type Job = Partial<NewJob> & Pick<NewJob, 'id'>

function traced(id: string, digit = 1, given: Partial<NewJob> = {}): Job {
  return { id, traceparent: context(digit), ...given }
}

function contextsOf(jobs: readonly LeasedJob[]): Record<string, string | undefined> {
  return Object.fromEntries(jobs.map(({ id, traceparent }) => [id, traceparent]))
}

/** @throws AssertionError unless the only ready job is this one, with this context */
async function claimWith(store: JobStore, id: string, digit: number): Promise<LeasedJob> {
  const job = await claimOnly(store, id)
  assert.equal(job.traceparent, context(digit))
  return job
}

/** Which span a job says that it was sent by. */
export const traceCases: JobStoreCases = {
  'trace: a claim and get give the context that a job was sent with, and no field where there is none':
    async ({ store }) => {
      await put(store, traced('1'), '2')
      const jobs = await claim(store)
      assert.deepEqual(contextsOf(jobs), { 1: context(1), 2: undefined })
      assert.equal('traceparent' in jobs[1]!, false)
      assert.equal((await got(store, '1')).traceparent, context(1))
      assert.equal('traceparent' in (await got(store, '2')), false)
    },

  'trace: each job of a call has its own context, however many there are': async ({ store }) => {
    const jobs = series('', 250).map((id, nth) => traced(id, nth % 10))
    await put(store, ...jobs)
    const claimed = await claim(store, { limit: 250 })
    assert.deepEqual(
      contextsOf(claimed),
      Object.fromEntries(jobs.map(({ id, traceparent }) => [id, traceparent])),
    )
  },

  'trace: a call of many jobs has one context, some or none': async ({ store }) => {
    const ids = series('', 150)
    const calls: [kind: string, jobs: Job[]][] = [
      ['one', ids.map((id) => traced(`one ${id}`, 1))],
      ['some', ids.map((id, nth) => (nth % 3 === 0 ? traced(`some ${id}`, 2) : { id: `some ${id}` }))],
      ['none', ids.map((id) => ({ id: `none ${id}` }))],
      ['later', ids.map((id) => traced(`later ${id}`, 3, { delayMs: 0, key: 'k' }))],
    ]
    for (const [kind, jobs] of calls) {
      await store.insert(jobs.map((job) => newJob({ ...job, kind })))
      const claimed = await claim(store, { kinds: [kind], limit: 150 })
      const expected = jobs.map(({ id, traceparent }) => [id, traceparent])
      assert.deepEqual(contextsOf(claimed), Object.fromEntries(expected), kind)
    }
  },

  'trace: it stays through retries, stops, releases and crashes': async (given) => {
    const { store } = given
    await put(store, traced('1'))
    await store.settle([again(await claimWith(store, '1', 1))])
    await store.settle([again(await claimWith(store, '1', 1), { stopped: true })])
    const third = await claimWith(store, '1', 1)
    assert.equal(third.attempt, 2)
    await store.release([third])
    await claimWith(store, '1', 1)
    await expire(given)
    await store.settle([failed(await claimWith(store, '1', 1))])
    assert.equal((await store.retryJobs([{ id: '1' }])).length, 1)
    const retried = await claimWith(store, '1', 1)
    assert.equal(retried.attempt, 1)
    await store.settle([done(retried)])
    assert.equal((await got(store, '1')).traceparent, context(1))
  },

  'trace: it stays while a job is blocked, and when that is rescheduled': async ({ store }) => {
    await put(store, 'first', traced('1', 1, { after: { ids: ['first'], on: 'done' } }))
    assert.equal(await store.reschedule('1', { priority: 3, payload: '"new"' }), true)
    await store.settle([done(await claimOnly(store, 'first'))])
    await store.release([await claimWith(store, '1', 1)])
    assert.equal(await store.reschedule('1', { priority: 4, payload: '"newer"' }), true)
    await claimWith(store, '1', 1)
  },

  'trace: a job that is replaced has the context of the call that did, or keeps its own': async ({
    store,
  }) => {
    const key = { unique: { key: 'k', until: 'started' } } as const
    await put(store, traced('1', 1, key))
    const replace = async (job: Job): Promise<void> => {
      const enqueued = await insert(store, { onExists: 'replace' }, job)
      assert.deepEqual(outcomesOf(enqueued), ['replaced 1'])
    }
    await replace({ id: '2', ...key })
    assert.equal((await got(store, '1')).traceparent, context(1))
    await replace(traced('3', 3, key))
    assert.equal((await got(store, '1')).traceparent, context(3))
    await replace(traced('1', 4))
    await claimWith(store, '1', 4)
  },

  'trace: a job that is skipped keeps its own, and one beside it gets that of the call': async ({
    store,
  }) => {
    await put(store, traced('1', 1), '2')
    await insert(store, { onExists: 'skip' }, traced('1', 5), traced('2', 5), traced('3', 5), '4')
    assert.deepEqual(contextsOf(await claim(store)), {
      1: context(1),
      2: undefined,
      3: context(5),
      4: undefined,
    })
  },
}
