import { type Database, PostgresJobStore, openDatabase } from 'runutil/postgres'
import type { LeasedJob } from 'runutil/queue'
import { Probe } from 'runutil/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { done, newJob } from '../../packages/runutil/src/testing/job-store-case.ts'
import { LimitedKind } from '../support/postgres/limited-kind.ts'

/** So many keys are full, one job of each running and one waiting, before those of other keys. */
const FULL = 2_000

let kind: LimitedKind
beforeEach(async () => {
  kind = await LimitedKind.open()
})
afterEach(() => kind.close())

/** Where claims don't get past them at once, but look from a mark on. */
async function fullKeys({ priority = 0 } = {}): Promise<void> {
  await kind.limitTo({ keyConcurrency: 1 })
  await kind.run(
    `select 'run' || n as id, 'f' || n as key, 1000000 + n as claim from generate_series(1, ${FULL}) as n`,
  )
  await kind.put(
    `select 'full' || n as id, 'f' || n as key, 10 * n as seq from generate_series(1, ${FULL}) as n`,
    priority,
  )
  await kind.put(
    `select 'other' || n as id, 'o' || n as key, 1000000 + n as seq from generate_series(1, 2000) as n`,
  )
  const open = new Set<string>()
  while (!open.has('other20')) for (const id of await claimed(10)) open.add(id)
  expect(await kind.count('job_backlogs')).toBe(1)
}

const claimed = async (limit: number): Promise<string[]> => idsOf(await kind.store.claim(['a'], limit, '1h'))
const idsOf = (jobs: readonly LeasedJob[]): string[] => jobs.map(({ id }) => id)
const running = (n: number): LeasedJob =>
  ({ id: `run${n}`, kind: 'a', claim: 1_000_000 + n, attemptsDone: 0 }) as LeasedJob

/** Whether one of the next claims has it. */
async function comesSoon(id: string, claims: number): Promise<boolean> {
  for (let n = 0; n < claims; n++) if ((await claimed(10)).includes(id)) return true
  return false
}

describe('behind a long backlog of full keys', () => {
  beforeEach(() => fullKeys())

  it('jobs are claimed in their order', async () => {
    const ids = [...(await claimed(10)), ...(await claimed(10))]
    const numbers = ids.map((id) => Number(id.slice('other'.length)))
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b))
  })

  it.each([
    ['was settled', () => kind.store.settle([done(running(1_500))])],
    ['was released', () => kind.store.release([running(1_500)])],
    ['was settled in a transaction of its handler', settleInTransaction],
  ])('the next claim has the first job of a key whose job %s', async (_, end) => {
    await end()
    const next = await claimed(10)
    expect(next.filter((id) => /^(run|full)/.test(id))).toHaveLength(1)
    expect(next[0]).toMatch(/^(run|full)1500$/)
  })

  it('the next claim has the first job of a key whose process died', async () => {
    await kind.client.query(
      `update runutil.job_claims set expires_at = now() - interval '1 hour', suspect_since = now() - interval '1 min'
       where claim = 1001500`,
    )
    expect(idsOf(await new PostgresJobStore(kind.database).claim(['a'], 10, '1h'))[0]).toMatch(
      /^(run|full)1500$/,
    )
  })

  it('the next claim has what falls due before others', async () => {
    await kind.client.query(`
      insert into runutil.jobs (id, kind, payload, run_at, priority, key, created_at, updated_at, seq)
        values ('later', 'a', 'null', '2000-01-01', 0, 'later', now(), now(), 5001);
      insert into runutil.jobs_waiting (id, kind, run_at, due, priority, key, seq)
        values ('later', 'a', '2000-01-01', false, 0, 'later', 5001)`)
    expect((await claimed(10))[0]).toBe('later')
  })

  it('what has no key and lies before others is found within as many claims as look at all of them', async () => {
    await kind.put(`select 'keyless' as id, null::text as key, 15001 as seq`)
    expect(await comesSoon('keyless', 20)).toBe(true)
  })

  it('the next claim after a larger limit has the first jobs', async () => {
    await kind.limitTo({ keyConcurrency: 2 })
    expect(await claimed(3)).toEqual(['full1', 'full2', 'full3'])
  })

  it('nothing is left of the mark when nothing waits any more', async () => {
    await kind.store.settle(Array.from({ length: 30 }, (_, n) => done(running(n + 1))))
    await kind.limitTo({ keyConcurrency: 5_000 })
    await kind.store.settle([done(running(31))])
    while ((await claimed(1_000)).length > 0);
    expect([await kind.count('job_backlogs'), await kind.count('job_unblocked_keys')]).toEqual([0, 0])
  })
})

it('a worker looks again soon where a claim has found nothing yet', async () => {
  await kind.limitTo({ keyConcurrency: 1 })
  await kind.run(
    `select 'run' || n as id, 'f' || n as key, 1000000 + n as claim from generate_series(1, 2000) as n`,
  )
  await kind.put(`select 'full' || n as id, 'f' || n as key, n as seq from generate_series(1, 2000) as n`)
  await kind.put(`select 'last' as id, null::text as key, 1000000 as seq`)
  const looks = new Probe('woken', '30s')
  const stop = await kind.store.listen(() => looks.hit())
  for (let found = 0; found === 0;) {
    const before = looks.count
    found = (await claimed(10)).length
    if (found === 0) await looks.times(before + 1)
  }
  expect(looks.count).toBeGreaterThan(0)
  await stop()
})

it('the next claim has what comes with a priority, behind a backlog of a higher one', async () => {
  await fullKeys({ priority: 10 })
  await kind.store.insert([newJob({ id: 'urgent', key: 'urgent', priority: 5 })])
  expect((await claimed(10))[0]).toBe('urgent')
})

describe('behind a backlog of a higher priority, the next claim has a job of a lower one that', () => {
  it.each<[string, string, (id: string) => Promise<unknown>]>([
    ['is made due', 'later', (id) => kind.store.retryNow(id)],
    ['is rescheduled', 'later', (id) => kind.store.reschedule(id, { runAt: new Date(0) })],
    ['gets that priority', 'other1500', (id) => kind.store.reschedule(id, { priority: 5 })],
    ['is retried', 'failed', (id) => kind.store.retryJobs([{ id }])],
    ['has no key, and is retried', 'keyless', (id) => kind.store.retryJobs([{ id }])],
    ['has no key, and is rescheduled', 'other', (id) => kind.store.reschedule(id, { delayMs: 0 })],
  ])('%s', async (_, id, call) => {
    await kind.store.insert([
      newJob({ id: 'later', key: 'later', priority: 5, delayMs: 3_600_000 }),
      newJob({ id: 'failed', key: 'failed', priority: 5, delayMs: 3_600_000 }),
      newJob({ id: 'keyless', priority: 5, delayMs: 3_600_000 }),
      newJob({ id: 'other', priority: 5, delayMs: 3_600_000 }),
    ])
    await kind.store.cancelJobs(['failed', 'keyless'])
    await fullKeys({ priority: 10 })
    await call(id)
    expect((await claimed(10))[0]).toBe(id)
  })
})

it('many processes drain a kind with a backlog, and no key ever has more running than it may', async () => {
  await kind.limitTo({ keyConcurrency: 2 })
  await kind.put(`select 'busy' || n as id, 'busy' as key, n as seq from generate_series(1, 300) as n
    union all select 'x' || n, 'k' || n % 40, 1000 + n from generate_series(1, 1000) as n`)
  const databases = await Promise.all(Array.from({ length: 4 }, () => openDatabase(kind.url)))
  const runningOf = new Map<string, number>()
  let most = 0
  let left = 1_300
  const drain = async (database: Database): Promise<void> => {
    const store = new PostgresJobStore(database)
    while (left > 0) {
      const jobs = await store.claim(['a'], 10, '1h')
      for (const { key } of jobs) {
        runningOf.set(key!, (runningOf.get(key!) ?? 0) + 1)
        most = Math.max(most, runningOf.get(key!)!)
      }
      for (const { key } of jobs) runningOf.set(key!, runningOf.get(key!)! - 1)
      left -= jobs.length
      if (jobs.length > 0) expect(await store.settle(jobs.map((job) => done(job)))).toEqual([])
    }
  }
  await Promise.all(databases.map((database) => drain(database)))
  await Promise.all(databases.map((database) => database.close()))
  expect(most).toBeLessThanOrEqual(2)
  expect(await kind.count('job_slots')).toBe(0)
})

async function settleInTransaction(): Promise<void> {
  await kind.client.query('begin')
  await kind.store.settle([done(running(1_500))], { tx: kind.client })
  // A claim meanwhile neither waits for it nor takes anything from it.
  expect(await claimed(10)).toHaveLength(10)
  await kind.client.query('commit')
}
