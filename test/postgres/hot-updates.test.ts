import type { LeasedJob, Outcome } from 'runutil/queue'
import { beforeAll, describe, expect, it } from 'vitest'
import { kindsOfDatabase } from '../support/postgres/databases.ts'
import { settlementOf } from '../../packages/runutil/src/queue/outcome.ts'
import { migratedDatabase } from '../support/postgres/migrated-database.ts'

const JOBS = 200

const COUNTS = `select n_tup_upd::integer as updates, n_tup_hot_upd::integer as hot
  from pg_stat_xact_user_tables where schemaname = 'runutil' and relname = 'jobs'`

function countsOf(result: unknown): [updates: number, hot: number] {
  const { updates, hot } = (result as { rows: { updates: number; hot: number }[] }).rows[0]!
  return [updates, hot]
}

describe.each(kindsOfDatabase)('the end of a job, in $name', ({ open }) => {
  const fresh = migratedDatabase(beforeAll, open)

  async function claimed(prefix: string): Promise<LeasedJob[]> {
    const ids = Array.from({ length: JOBS }, (_, at) => `${prefix}${at}`)
    await fresh.store.insert(
      ids.map((id) => ({ id, kind: 'a', payload: 'null', runAt: undefined, priority: 1, key: undefined })),
    )
    return fresh.store.claim(['a'], JOBS, '1h')
  }

  it.each<[string, Outcome]>([
    ['DONE', { status: 'DONE', result: '{"a":1}' }],
    ['FAILED', { status: 'FAILED', lastError: 'no' }],
    ['retried', { status: 'PENDING', lastError: 'no', delayMs: 1e6, counted: true }],
    ['stopped', { status: 'PENDING', lastError: 'no', delayMs: 1e6, counted: true, stopped: true }],
  ])('is an update that no index hears of: %s', async (name, outcome) => {
    const jobs = await claimed(name)
    // As in everyday use, not all jobs of a page end at once.
    const batch = jobs.filter((_, at) => at % 2 === 0).map((job) => settlementOf(job, outcome, 1))
    const [updates, hot] = await fresh.database.transaction(async (tx) => {
      expect(await fresh.store.settle(batch, { tx })).toEqual([])
      return countsOf(await tx.query(COUNTS, []))
    })
    // Also of transactions before, which the server hasn't added up yet.
    expect(updates).toBeGreaterThanOrEqual(batch.length)
    expect(hot).toBe(updates)
  })
})
