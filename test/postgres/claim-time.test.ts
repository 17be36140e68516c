import { PostgresJobStore, migrate, openDatabase } from 'runutil/postgres'
import { expect, inject, it } from 'vitest'
import { createDatabase } from './create-database.ts'
import { waitingFor } from './waiting.ts'

it('counts a claim against the rate from when it got its turn, not from when it began to wait for it', async () => {
  const url = await createDatabase(inject('postgresUrl'))
  const database = await openDatabase(url)
  await migrate(database)
  const store = new PostgresJobStore(database)
  const limits = { concurrency: undefined, keyConcurrency: undefined, rate: { limit: 1, perMs: 60_000 } }
  await store.limit(new Map([['mail', limits]]))
  const job = { kind: 'mail', payload: 'null', runAt: undefined, priority: 0, key: undefined }
  await store.insert([{ id: 'a', ...job }])
  const [claim, turn] = await database.transaction(async (tx) => {
    await tx.query('select from runutil.job_limits for update')
    const claim = store.claim(['mail'], 1, '1m')
    await waitingFor('transactionid', url)
    const { rows } = await tx.query('select clock_timestamp() as now')
    return [{ claim }, (rows as { now: Date }[])[0]!.now] as const
  })
  expect(await claim.claim).toHaveLength(1)
  const times = `select (select at from runutil.job_starts), (select claimed_at from runutil.job_claims)`
  const [[startedAt, claimedAt]] = (await database.query({ text: times })) as [[Date, Date]]
  expect(startedAt.getTime()).toBeGreaterThanOrEqual(turn.getTime())
  expect(claimedAt.getTime()).toBeGreaterThanOrEqual(turn.getTime())
  await database.close()
})
