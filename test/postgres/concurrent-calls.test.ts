import { PostgresJobStore, migrate, openDatabase } from 'runutil/postgres'
import type { LeasedJob, KindRules } from 'runutil/queue'
import { beforeEach, expect, it } from 'vitest'
import { settlementOf } from '../../packages/runutil/src/queue/outcome.ts'
import { serverDatabase } from '../support/postgres/migrated-database.ts'
import { waitingFor } from '../support/postgres/waiting.ts'

/** What two calls leave behind that meet in the middle: one is in a transaction that stays open meanwhile. */
const fresh = serverDatabase(beforeEach)
beforeEach(async () => void (await fresh.client.query('begin')))

const RULES: KindRules = {
  limits: { concurrency: undefined, keyConcurrency: 1, rate: undefined },
  retention: { doneMs: Infinity, failedMs: Infinity },
}

const done = (job: LeasedJob) => settlementOf(job, { status: 'DONE' }, 1)
const again = (job: LeasedJob) =>
  settlementOf(job, { status: 'PENDING', lastError: 'again', delayMs: 0, counted: true }, 1)
const slots = async (): Promise<unknown> =>
  (await fresh.client.query('select id from runutil.job_slots')).rows

async function claimOne(): Promise<LeasedJob> {
  const job = { id: '1', kind: 'a', payload: 'null', runAt: undefined, priority: 0, key: 'k' }
  await fresh.store.insert([job])
  const [claimed] = await fresh.store.claim(['a'], 1, '1h')
  return claimed!
}

it.each([
  ['ends', done],
  ['is put off', again],
])('a job that %s while its kind becomes limited takes no place of the limit', async (_, outcome) => {
  const job = await claimOne()
  await fresh.store.settle([outcome(job)], { tx: fresh.client })
  await fresh.store.setRules('a worker', new Map([['a', RULES]]))
  await fresh.client.query('commit')
  expect(await slots()).toEqual([])
})

it.each([
  ['ends', done],
  ['is put off', again],
])('a job that %s while its place is being counted gives it up', async (_, outcome) => {
  const job = await claimOne()
  await fresh.client.query(
    `select runutil.set_job_rules('a worker', '{a}', '{null}', '{1}', '{null}', '{null}', '{Infinity}', '{Infinity}', null)`,
  )
  expect(await slots()).toHaveLength(1)
  const settled = fresh.store.settle([outcome(job)])
  await waitingFor('transactionid', fresh.url)
  await fresh.client.query('commit')
  expect(await settled).toEqual([])
  expect(await slots()).toEqual([])
})

it.each(['settle', 'release'] as const)(
  'a freed job that is renewed at the same time is still held: %s',
  async (call) => {
    const job = await claimOne()
    await fresh.database.query({
      text: `update runutil.job_claims set expires_at = clock_timestamp() - interval '2 s',
        suspect_since = clock_timestamp() - interval '1 s'`,
    })
    // Frees it, and takes nothing.
    expect(await new PostgresJobStore(fresh.database).claim(['none'], 1, '1h')).toEqual([])
    await fresh.client.query(`select runutil.renew_jobs('{1}', '{${job.claim}}', 1000, '{}', null)`)
    const ended = call === 'settle' ? fresh.store.settle([done(job)]) : fresh.store.release([job])
    await waitingFor('transactionid', fresh.url)
    await fresh.client.query('commit')
    expect((await ended) ?? []).toEqual([])
    expect(await fresh.store.get('1')).toMatchObject({ status: call === 'settle' ? 'DONE' : 'PENDING' })
    expect((await fresh.client.query('select from runutil.job_claims where ids <> $1', [[]])).rows).toEqual(
      [],
    )
  },
)

it('a claim that waits for PGlite frees nothing that its process has got meanwhile', async () => {
  const pglite = await openDatabase('memory:')
  await migrate(pglite)
  const embedded = new PostgresJobStore(pglite)
  await embedded.insert([
    { id: '1', kind: 'a', payload: 'null', runAt: undefined, priority: 0, key: undefined },
  ])
  const [job] = await embedded.claim(['a'], 1, '1h', { holder: 1 })
  await pglite.query({
    text: `update runutil.job_claims set expires_at = clock_timestamp() - interval '2 s',
      suspect_since = clock_timestamp() - interval '1 s'`,
  })
  const holding = new Set<number>()
  const first = pglite.query({ text: 'select 1' })
  const claim = new PostgresJobStore(pglite).claim(['none'], 1, '1h', { holder: 1, holding })
  holding.add(job!.claim)
  await Promise.all([first, claim])
  expect(await pglite.query({ text: 'select count(*)::int from runutil.job_claims' })).toEqual([[1]])
  await pglite.close()
})

it('a claim that waits for a connection frees nothing that its process has got meanwhile', async () => {
  await fresh.store.insert([
    { id: '1', kind: 'a', payload: 'null', runAt: undefined, priority: 0, key: undefined },
  ])
  const [job] = await fresh.store.claim(['a'], 1, '1h', { holder: 1 })
  await fresh.database.query({
    text: `update runutil.job_claims set expires_at = clock_timestamp() - interval '2 s',
      suspect_since = clock_timestamp() - interval '1 s'`,
  })
  const single = await openDatabase(fresh.url, { max: 1 })
  await fresh.client.query('lock table runutil.jobs_waiting in access exclusive mode')
  const claim = (holding: Set<number>) =>
    new PostgresJobStore(single).claim(['none'], 1, '1h', { holder: 1, holding })
  const first = claim(new Set([job!.claim]))
  await waitingFor('relation', fresh.url)
  const holding = new Set<number>()
  const second = claim(holding)
  holding.add(job!.claim)
  await fresh.client.query('commit')
  await Promise.all([first, second])
  expect(await fresh.store.settle([done(job!)])).toEqual([])
  await single.close()
})
