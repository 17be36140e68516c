import { beforeEach, expect, it } from 'vitest'
import { jobStatements } from '../../packages/runutil/src/postgres/queue/job-statements.ts'
import { serverDatabase } from '../support/postgres/migrated-database.ts'
import { waitingFor } from '../support/postgres/waiting.ts'

/** Holder, claims that it holds, crashes, last chance, bytes, or one. */
const NO_OPTIONS = [null, null, null, true, null, true, null, 0]
const rate = { limit: 1, perMs: 60_000 }
const RULES = new Map([
  [
    'mail',
    {
      limits: { concurrency: undefined, keyConcurrency: undefined, rate },
      retention: { doneMs: Infinity, failedMs: Infinity },
    },
  ],
])

const fresh = serverDatabase(beforeEach)
beforeEach(async () => {
  await fresh.store.setRules('a worker', RULES)
  await fresh.store.insert([
    { id: 'a', kind: 'mail', payload: 'null', runAt: undefined, priority: 0, key: undefined },
  ])
})

/** By its statement alone: the store gives back what would start too late. */
function claimRow(): Promise<unknown[][]> {
  const params = ['{"mail"}', 1, 60_000, false, null, 25, null, null, null, 'jobs', ...NO_OPTIONS]
  return fresh.database.query({ text: jobStatements('runutil').claim.text }, params)
}

/** When the job was claimed, and until when it counts as just started. */
async function times(): Promise<{ claimedAt: Date; startedAt: Date }> {
  const text = `select (select claimed_at from runutil.job_claims), (select at from runutil.job_starts)`
  const [[claimedAt, startedAt]] = (await fresh.database.query({ text })) as [[Date, Date]]
  return { claimedAt, startedAt }
}

it('counts a claim against the rate from when it got its turn, not from when it began to wait for it', async () => {
  const { claiming, turn } = await fresh.database.transaction(async (tx) => {
    await tx.query('select from runutil.job_limits for update')
    const claiming = claimRow()
    await waitingFor('transactionid', fresh.url)
    const { rows } = await tx.query('select clock_timestamp() as now')
    // In an object: the transaction needn't wait for it.
    return { claiming: { claiming }, turn: (rows as { now: Date }[])[0]!.now }
  })
  expect(await claiming.claiming).toHaveLength(1)
  const { claimedAt, startedAt } = await times()
  expect(claimedAt.getTime()).toBeGreaterThanOrEqual(turn.getTime())
  expect(startedAt.getTime()).toBeGreaterThanOrEqual(turn.getTime())
})

/** Each claim takes a tenth of a second from now on. */
async function slowDown(): Promise<void> {
  await fresh.database.transaction((tx) =>
    tx.script(`
      create function slow() returns trigger language plpgsql as $$ begin perform pg_sleep(0.1); return new; end $$;
      create trigger slow before insert on runutil.job_claims for each row execute function slow()`),
  )
}

it('counts a start from the end of its claim, however long that takes', async () => {
  await slowDown()
  expect(await claimRow()).toHaveLength(1)
  const { claimedAt, startedAt } = await times()
  expect(startedAt.getTime() - claimedAt.getTime()).toBeGreaterThanOrEqual(100)
})

it('gives back what would start too late for its rate, as if it had never been claimed', async () => {
  await slowDown()
  expect(await fresh.store.claim(['mail'], 1, '1m')).toEqual([])
  expect(await fresh.store.counts()).toMatchObject({ mail: { PENDING: 1, RUNNING: 0 } })
  // Now that it knows how long a claim takes here, there is room for that. The rate would allow no second start.
  const [job] = await fresh.store.claim(['mail'], 1, '1m')
  expect(job).toMatchObject({ id: 'a', attemptsDone: 0, crashes: 0 })
  const { claimedAt, startedAt } = await times()
  expect(startedAt.getTime() - claimedAt.getTime()).toBeGreaterThanOrEqual(300)
})
