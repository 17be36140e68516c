import pg from 'pg'
import { type Database, PostgresJobStore, migrate, openDatabase } from 'runutil/postgres'
import { JobQueue } from 'runutil/queue'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { done, failed, newJob } from '../../packages/runutil/src/testing/job-store-case.ts'
import { ask } from '../support/postgres/ask.ts'
import { freshDatabase } from '../support/postgres/databases.ts'
import { waitingFor } from '../support/postgres/waiting.ts'

let url: string
let drop: () => Promise<void>
let databases: Database[]

beforeEach(async () => {
  ;({ url, drop } = await freshDatabase())
  databases = [await openDatabase(url)]
  await migrate(databases[0]!)
})
afterEach(async () => {
  await Promise.all(databases.map((database) => database.close()))
  await drop()
})

/** That of another process. */
async function store(): Promise<PostgresJobStore> {
  databases.push(await openDatabase(url))
  return new PostgresJobStore(databases.at(-1)!)
}

const series = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, at) => `${prefix}${at}`)
const pick = <T>(all: readonly T[], share: number): T[] => all.filter(() => Math.random() < share)

describe('calls of operators, while workers run', () => {
  /** How often each job was claimed, and may have been claimed: once, and once a retry. */
  const claimed = new Map<string, number>()
  const allowed = new Map<string, number>()
  const ends = { settled: 0, cancelled: 0, retried: 0, deleted: 0 }

  /** Claims and ends jobs until there are none: half of them fail, and some are retried by their worker first. */
  async function work(other: PostgresJobStore, isOver: () => boolean): Promise<void> {
    for (;;) {
      const over = isOver()
      const jobs = await other.claim(['k'], 40, '1m')
      if (jobs.length === 0 && over) return
      for (const { id } of jobs) claimed.set(id, (claimed.get(id) ?? 0) + 1)
      const held = jobs.map(({ id, kind, claim, place, attempt }) => ({ id, kind, claim, place, attempt }))
      // In two parts, so that a claim holds jobs beside those that have ended under it.
      for (const part of [held.slice(0, 25), held.slice(25)]) {
        const batch = part.map((job) => ({
          ...job,
          durationMs: 1,
          outcome:
            Math.random() < 0.5
              ? ({ status: 'DONE' } as const)
              : ({ status: 'FAILED', lastError: 'no' } as const),
        }))
        const lost = await other.settle(batch)
        ends.settled += batch.length - lost.length
      }
    }
  }

  it('lose no job, and run none oftener than once and once for each retry', async () => {
    const many = series('many', 2_000)
    const doomed = series('doomed', 500)
    for (const id of [...many, ...doomed]) allowed.set(id, 1)
    const first = await store()
    const queue = new JobQueue(first)
    await queue.enqueue(many.map((id) => ({ id, kind: 'k' })))
    await queue.enqueue(doomed.map((id, at) => ({ id, kind: 'k', priority: at % 3, key: `${at % 7}` })))
    let isOver = false
    const stores = await Promise.all([store(), store(), store()])
    const workers = stores.map((one) => work(one, () => isOver))
    const operators = (await Promise.all([store(), store()])).map(async (one) => {
      for (let round = 0; round < 25; round++) {
        const retries = pick(many, 0.3).map((id) => ({ id }))
        // Allowed before it is known which are retried: a worker may be faster than the answer.
        for (const { id } of retries) allowed.set(id, allowed.get(id)! + 1)
        const retried = new Set((await one.retryJobs(retries)).map(({ id }) => id))
        for (const { id } of retries) if (!retried.has(id)) allowed.set(id, allowed.get(id)! - 1)
        ends.retried += retried.size
        const cancelled = await one.cancelJobs(pick(many, 0.1), { onlyWaiting: round % 2 === 0 })
        ends.cancelled += cancelled
        for (const id of pick(many, 0.005)) if (await one.cancel(id)) ends.cancelled++
        const deleted = await one.deleteJobs(pick(doomed, 0.05))
        ends.deleted += deleted
        for (const id of pick(many, 0.01))
          await one.reschedule(id, { priority: round % 3, payload: `${round}` })
        for (const id of pick(many, 0.01)) await one.retryNow(id)
      }
    })
    await Promise.all(operators)
    isOver = true
    await Promise.all(workers)
    const tooOften = [...claimed].filter(([id, times]) => times > allowed.get(id)!)
    expect(tooOften).toEqual([])
    const left = await ask(url, 'select id, kind, status from runutil.jobs')
    expect(left).toHaveLength(many.length + doomed.length - ends.deleted)
    expect(left.filter((job) => (job as { status: string }).status === 'PENDING')).toEqual([])
    // Each job of `many` ends once, and once more for each retry.
    const settledDoomed = doomed.filter((id) => claimed.has(id)).length
    expect(ends.settled - settledDoomed + ends.cancelled).toBe(many.length + ends.retried)
    expect(
      await ask(url, 'select from runutil.jobs_waiting union all select from runutil.job_claims'),
    ).toEqual([])
    const failures = `select count(*)::int as count from runutil.job_failures as f full join
      (select id from runutil.jobs where status = 'FAILED') as j using (id) where f.seq is null or j.id is null`
    expect(await ask(url, failures)).toEqual([{ count: 0 }])
  })
})

describe('a job that falls due in another transaction', () => {
  it.each([
    ['cancelled', (one: PostgresJobStore) => one.cancelJobs(['1'])],
    ['deleted', (one: PostgresJobStore) => one.deleteJobs(['1'])],
    ['cancelled alone', async (one: PostgresJobStore) => Number(await one.cancel('1'))],
  ] as const)('is not left in the queue when it is %s', async (_, call) => {
    const one = await store()
    await new JobQueue(one).enqueue({ id: '1', kind: 'k', delay: '1h' })
    const client = new pg.Client(url)
    await client.connect()
    await client.query('begin')
    await client.query('select runutil.fall_due(array(select ctid from runutil.jobs_waiting))')
    const called = call(one)
    await waitingFor('transactionid', url)
    await client.query('commit')
    await client.end()
    expect(await called).toBe(1)
    expect(await ask(url, 'select from runutil.jobs_waiting')).toEqual([])
  })
})

it('calls for many jobs wait for none while they hold others', async () => {
  const one = await store()
  const ids = series('', 300)
  await new JobQueue(one).enqueue(ids.map((id) => ({ id, kind: 'k' })))
  const client = new pg.Client(url)
  await client.connect()
  await client.query('begin')
  await client.query(`select from runutil.jobs where id = '150' for update`)
  const cancelled = one.cancelJobs(ids)
  await waitingFor('transactionid', url)
  // It waits for that one alone: all others have ended.
  expect(await ask(url, `select count(*)::int as count from runutil.jobs where status = 'FAILED'`)).toEqual([
    { count: 299 },
  ])
  await client.query('commit')
  await client.end()
  expect(await cancelled).toBe(300)
})

it('a retry keeps the dependents of its job that have not ended yet, whoever ends such meanwhile', async () => {
  const own = await store()
  const dependents = series('after ', 1_500)
  const after = { ids: ['root'], on: 'done' as const }
  await own.insert([newJob({ id: 'root' }), ...dependents.map((id) => newJob({ id, after }))])
  const [root] = await own.claim(['a'], 1, '1m')
  await own.settle([failed(root!)])
  expect((await own.counts())['a']).toMatchObject({ FAILED: 1_001, PENDING: 500 })

  const operator = new pg.Client(url)
  await operator.connect()
  await operator.query('begin')
  await operator.query(`select runutil.retry_jobs('{root}', '{}', false, 'nobody', null)`)
  // Another worker, which must neither wait nor take the job for one that has failed.
  expect(await (await store()).failDependents()).toBe(false)
  await operator.query('commit')
  await operator.end()

  expect(await own.failDependents()).toBe(false)
  expect((await own.counts())['a']).toMatchObject({ FAILED: 0, PENDING: 1_501 })
  const [again] = await own.claim(['a'], 10, '1m')
  await own.settle([done(again!)])
  expect(await own.claim(['a'], 2_000, '1m')).toHaveLength(1_500)
})
