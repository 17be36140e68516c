import assert from 'node:assert/strict'
import { parseQuery } from '../queue/parse-query.ts'
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
  idsOf,
  later,
  limitTo,
  put,
  series,
  settlement,
} from './job-store-case.ts'
import { Probe } from './probe.ts'

const retry = (...ids: string[]): { id: string }[] => ids.map((id) => ({ id }))

/** An operator's calls that concern many jobs, or change one. */
export const operatorCases: JobStoreCases = {
  'retryJobs: failed jobs wait again, due now, and no others': async ({ store, clock }) => {
    await put(store, 'done', 'failed', 'panic', 'cancelled', 'running', {
      id: 'later',
      runAt: later(clock, 9e6),
    })
    await store.cancel('cancelled')
    const [one, two, three] = await claim(store)
    const panic = settlement(three!, { status: 'PANIC', lastError: 'panic: x' })
    await store.settle([done(one!), failed(two!, 'no'), panic])
    await clock.advance('1m')
    await put(store, 'new')
    const ids = ['done', 'failed', 'panic', 'cancelled', 'running', 'later', 'new', 'nobody']
    const retried = await store.retryJobs(retry(...ids))
    assert.deepEqual(
      new Set(retried.map(({ id, kind }) => `${kind} ${id}`)),
      new Set(['a failed', 'a panic', 'a cancelled']),
    )
    const { errors, ...job } = await got(store, 'failed')
    assert.deepEqual(
      errors?.map(({ message }) => message),
      ['no'],
    )
    const now = new Date(clock.now())
    assert.deepEqual([job.status, job.runAt, job.attemptsDone, job.lastError], ['PENDING', now, 1, 'no'])
    assert.ok(!('endedAt' in job))
    assert.deepEqual(await store.retryJobs(retry(...ids)), [])
    await expire({ store, clock })
    assert.deepEqual(idsOf(await claim(store)).sort(), ['cancelled', 'failed', 'new', 'panic', 'running'])
  },

  'retryJobs: what is retried is no longer listed among what has failed': async ({ store, clock }) => {
    await put(store, '1', '2', '3')
    await store.settle((await claim(store)).map((job) => failed(job)))
    await clock.advance(1)
    await put(store, '4', '5')
    await store.cancelJobs(['4', '5'])
    await store.retryJobs(retry('2', '4'))
    const failures = parseQuery({ status: 'FAILED' }, 'list')
    const page = { limit: 10, after: undefined }
    assert.deepEqual(idsOf((await store.list(failures, page)).jobs), ['5', '3', '1'])
    await store.deleteJobs(['3'])
    assert.deepEqual(idsOf((await store.list(failures, page)).jobs), ['5', '1'])
  },

  'retryJobs: attempts are numbered from 1 again, while attemptsDone goes on; crashes are forgotten': async (
    context,
  ) => {
    const { store } = context
    await put(store, '1')
    await store.settle([again(await claimOnly(store, '1'))])
    await claimOnly(store, '1')
    await expire(context)
    const second = await claimOnly(store, '1')
    assert.deepEqual([second.attempt, second.attemptsDone, second.crashes], [2, 1, 1])
    await store.settle([failed(second)])
    await store.retryJobs(retry('1'))
    const third = await claimOnly(store, '1')
    assert.deepEqual([third.attempt, third.attemptsDone, third.crashes], [1, 2, 0])
    await store.settle([failed(third, 'third')])
    const { attemptsDone, errors } = await got(store, '1')
    assert.equal(attemptsDone, 3)
    assert.deepEqual(
      errors?.map(({ attempt, message }) => `${attempt} ${message}`),
      ['1 again', '2 failed', '1 third'],
    )
  },

  'retryJobs: with another payload, whose bytes a claim counts': async ({ store }) => {
    await put(store, '1', '2', '3')
    await store.settle((await claim(store)).map((job) => failed(job)))
    const payload = JSON.stringify('x'.repeat(600))
    await store.retryJobs([{ id: '1', payload: '{"a":1}' }, { id: '2' }, { id: '3', payload }])
    const jobs = await claim(store, { maxBytes: 600 })
    assert.deepEqual(
      jobs.map((job) => [job.id, job.payload]),
      [
        ['1', { a: 1 }],
        ['2', null],
      ],
    )
    assert.equal((await claimOnly(store, '3')).payloadBytes, 602)
  },

  'retryJobs: the claim that ended the job holds it no more, whatever else it holds': async (context) => {
    const { store, clock } = context
    await put(store, '1', '2')
    const [one, two] = await claim(store)
    await store.settle([failed(one!)])
    await store.retryJobs(retry('1'))
    assert.deepEqual(await store.settle([done(one!)]), [done(one!)])
    assert.deepEqual(await store.renew([one!, two!], LEASE_MS), [one])
    await store.release([one!])
    const next = await claimOnly(store, '1')
    await clock.advance(LEASE_MS / 2)
    await store.renew([next], LEASE_MS)
    await clock.advance(LEASE_MS / 2)
    // Only the other job of the first claim is freed.
    assert.equal((await claimOnly(store, '2')).crashes, 1)
    assert.deepEqual(await store.settle([done(next, '1')]), [])
    assert.equal((await got(store, '1')).result, 1)
  },

  'retryJobs: what was cancelled while it ran counts beside its retry until its lease expires': async (
    context,
  ) => {
    const { store } = context
    await limitTo(store, { concurrency: 2 })
    await put(store, '1', '2', '3')
    const [first] = await claim(store, { limit: 1 })
    await store.cancel('1')
    await context.clock.advance(1)
    await store.retryJobs(retry('1'))
    assert.deepEqual(idsOf(await claim(store)), ['2'])
    assert.deepEqual(await store.renew([first!], LEASE_MS), [first])
    await limitTo(store, { concurrency: 3 })
    const [second, third] = await claim(store)
    assert.deepEqual([second?.id, third?.id], ['3', undefined])
    await expire(context)
    await limitTo(store, { concurrency: 9 })
    const jobs = await claim(store)
    assert.deepEqual(jobs.map(({ id, crashes }) => `${id} ${crashes}`).sort(), ['1 0', '2 1', '3 1'])
    await limitTo(store, { concurrency: 4 })
    await put(store, '4', '5')
    await claimOnly(store, '4')
  },

  'retryJobs, reschedule: call listeners back': async ({ store, clock }) => {
    await put(store, '1', { id: '2', runAt: later(clock, 9e6) })
    await store.settle([failed(await claimOnly(store, '1'))])
    const ready = new Probe('ready')
    const off = await store.listen(() => ready.hit())
    await store.retryJobs(retry('1'))
    await ready.times(1)
    const before = ready.count
    await store.reschedule('2', { runAt: new Date(0) })
    await ready.times(before + 1)
    await off()
  },

  'cancelJobs: ends waiting and running jobs, and counts them': async ({ store, clock }) => {
    await put(store, ...series('', 130))
    await put(store, { id: 'later', runAt: later(clock, 9e6) }, { id: 'key', key: 'x', priority: 9 })
    const [key, ...running] = await claim(store, { limit: 11 })
    await store.settle([done(key!)])
    const ids = [...series('', 130).filter((id) => id !== '77'), 'later', 'key', 'nobody']
    assert.equal(await store.cancelJobs(ids), 130)
    assert.equal(await store.cancelJobs(ids), 0)
    assert.deepEqual(await store.renew(running, LEASE_MS), running)
    assert.deepEqual(idsOf(await claim(store)), ['77'])
    assert.deepEqual(await store.counts(), { a: { PENDING: 0, RUNNING: 1, DONE: 1, FAILED: 130, PANIC: 0 } })
    await clock.advance('1d')
    assert.deepEqual(idsOf(await claim(store)), ['77'])
  },

  'cancelJobs: leaves running jobs if it is asked to': async ({ store }) => {
    await put(store, ...series('', 120))
    const running = await claim(store, { limit: 5 })
    assert.equal(await store.cancelJobs(series('', 119), { onlyWaiting: true }), 114)
    assert.deepEqual(await store.renew(running, LEASE_MS), [])
    assert.deepEqual(idsOf(await claim(store)), ['120'])
  },

  'deleteJobs: removes waiting and ended jobs, and no running ones': async ({ store, clock }) => {
    await put(store, ...series('', 130))
    await put(store, { id: 'later', runAt: later(clock, 9e6) }, { id: 'cancelled', key: 'x' })
    const [one, two, three] = await claim(store, { limit: 3 })
    await store.settle([done(one!), failed(two!)])
    await store.cancel('cancelled')
    const ids = [...series('', 130).filter((id) => id !== '77'), 'later', 'cancelled', 'nobody']
    assert.equal(await store.deleteJobs(ids), 130)
    assert.equal(await store.deleteJobs(ids), 0)
    assert.deepEqual(await store.settle([done(three!)]), [])
    await clock.advance('1d')
    assert.deepEqual(idsOf(await claim(store)), ['77'])
    assert.deepEqual(await store.counts(), { a: { PENDING: 0, RUNNING: 1, DONE: 1, FAILED: 0, PANIC: 0 } })
  },

  'deleteJobs: the id is free again, and nothing of the old job is that of the new one': async ({
    store,
    clock,
  }) => {
    const job = await held(store, '1')
    const progress = { done: 1, at: new Date(clock.now()) }
    await store.renew([job], LEASE_MS, new Map([[job, progress]]))
    await store.settle([failed(job)])
    assert.equal(await store.deleteJobs(['1']), 1)
    assert.equal(await store.get('1'), undefined)
    await put(store, '1')
    assert.deepEqual(await store.settle([done(job)]), [done(job)])
    const { attemptsDone, progress: none, errors } = await got(store, '1')
    assert.deepEqual([attemptsDone, none, errors], [0, undefined, undefined])
    await claimOnly(store, '1')
  },
}
