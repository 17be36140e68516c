import { PostgresLeaseStore } from 'runutil/postgres'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { capturedLogger, withLogger } from '../support/logs.ts'
import { kindsOfDatabase } from '../support/postgres/databases.ts'
import { migratedDatabase } from '../support/postgres/migrated-database.ts'

const DAILY = { leaseMs: 30_000, everyMs: 86_400_000 }

// Shifts the time that the store's functions read, as if the clock of the server had been set.
describe.each(kindsOfDatabase)('while the clock of $name is set back', ({ open }) => {
  const fresh = migratedDatabase(beforeAll, open)
  beforeAll(async () => {
    await fresh.database.query({ text: `create table step as select interval '0' as by` })
    await fresh.database.query({
      text: `create or replace function runutil.store_time(p_now float8) returns timestamptz language sql volatile as
        'select clock_timestamp() + by from public.step'`,
    })
  })

  const set = (by: string): Promise<unknown> =>
    fresh.database.query({ text: 'update step set by = $1::text::interval' }, [by])
  let leases: PostgresLeaseStore
  beforeEach(async () => {
    await fresh.database.query({ text: 'truncate runutil.leases' })
    leases = new PostgresLeaseStore(fresh.database)
    await set('10 years')
  })

  /** Requests the lease twice, checks what that logs, and returns the second answer. */
  async function asked() {
    const { logger, lines } = capturedLogger()
    const answers = await withLogger(logger, async () => [
      await leases.acquire('a', DAILY),
      await leases.acquire('a', DAILY),
    ])
    expect(lines.map(({ msg }) => msg)).toEqual([
      "the database's clock was set back: lease a counts from now on",
    ])
    expect(answers.map(({ kind }) => kind)).toEqual(['refused', 'refused'])
    return answers[1] as { freeInMs: number; dueInMs: number }
  }

  it('a lease lasts for its duration at most', async () => {
    await leases.acquire('a', DAILY)
    await set('0')
    const { freeInMs } = await asked()
    expect(freeInMs).toBeGreaterThan(0)
    expect(freeInMs).toBeLessThanOrEqual(30_000)
  })

  it('a lease whose run succeeded is due after its interval, no later and no earlier', async () => {
    await leases.acquire('a', DAILY)
    await leases.release('a', 1, 'done')
    await set('0')
    const { dueInMs } = await asked()
    expect(dueInMs).toBeGreaterThan(DAILY.everyMs - 30_000)
    expect(dueInMs).toBeLessThanOrEqual(DAILY.everyMs)
  })

  it('a lease whose run failed is due after its delay at most', async () => {
    for (let failures = 0; failures < 7; failures++) {
      await fresh.database.query({ text: `update runutil.leases set failed = failed - interval '1 minute'` })
      const answer = await leases.acquire('a', DAILY)
      expect(answer.kind).toBe('acquired')
      await leases.release('a', failures + 1, 'failed')
    }
    await set('0')
    const { dueInMs } = await asked()
    expect(dueInMs).toBeGreaterThan(0)
    expect(dueInMs).toBeLessThanOrEqual(60_000)
  })
})
