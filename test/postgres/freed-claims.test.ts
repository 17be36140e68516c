import { PostgresJobStore } from 'runutil/postgres'
import { type LeasedJob, JobQueue, type JobStore, type NewJob } from 'runutil/queue'
import { Probe } from 'runutil/testing'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { kindsOfDatabase } from '../support/postgres/databases.ts'
import { migratedDatabase } from '../support/postgres/migrated-database.ts'

const newJob = (id: string, payload = 'null'): NewJob => ({
  id,
  kind: 'a',
  payload,
  runAt: undefined,
  priority: 0,
  key: undefined,
})

// By the database's own clock: that of tests frees a lease as soon as it is over.
describe.each(kindsOfDatabase)('a lease that ran out, in $name', ({ open }) => {
  let jobs: LeasedJob[]
  const fresh = migratedDatabase(beforeAll, open)

  const sql = (text: string): Promise<unknown[][]> => fresh.database.query({ text })
  /** One that hasn't looked for leases yet. */
  const store = (): JobStore => new PostgresJobStore(fresh.database)
  const ago = (column: string, ms: number): Promise<unknown> =>
    sql(`update runutil.job_claims set ${column} = clock_timestamp() - interval '${ms} ms'`)
  const claim = (): Promise<LeasedJob[]> => store().claim(['a'], 10, '1h')

  beforeEach(async () => {
    await sql('truncate runutil.jobs, runutil.jobs_waiting, runutil.job_claims')
    await store().insert([newJob('1'), newJob('2')])
    jobs = await claim()
    await ago('expires_at', 1_000)
  })

  it('is left alone for half a second, for who lives and was cut off', async () => {
    expect(await claim()).toEqual([])
    await ago('suspect_since', 400)
    expect(await claim()).toEqual([])
    await ago('suspect_since', 501)
    expect((await claim()).map(({ id, crashes }) => [id, crashes])).toEqual([
      ['1', 1],
      ['2', 1],
    ])
  })

  it('is left alone for longer when nobody looked for seconds, as after the server was frozen', async () => {
    await ago('expires_at', 40_000)
    expect(await claim()).toEqual([])
    await ago('suspect_since', 1_900)
    expect(await claim()).toEqual([])
    await ago('suspect_since', 2_001)
    expect(await claim()).toHaveLength(2)
  })

  it('may be renewed meanwhile, and is settled as if it had never run out', async () => {
    expect(await claim()).toEqual([])
    expect(await store().renew(jobs, '1h')).toEqual([])
    expect(await sql('select suspect_since from runutil.job_claims')).toEqual([[null]])
    expect(await claim()).toEqual([])
    await ago('expires_at', 1_000)
    expect(await claim()).toEqual([])
    const outcome = { status: 'DONE' } as const
    const batch = jobs.map((job) => ({ ...job, outcome, attempt: 1, durationMs: 1 }))
    expect(await store().settle(batch)).toEqual([])
  })

  it('has who listens look again when that time is over', async () => {
    const ready = new Probe('ready')
    const one = store()
    const off = await one.listen(() => ready.hit())
    expect(await one.claim(['a'], 10, '1h')).toEqual([])
    await ready.times(1)
    await off()
  })
})

describe.each(kindsOfDatabase)('the jobs that wait, in $name', ({ open }) => {
  const fresh = migratedDatabase(beforeAll, open)

  it('have no note but for large payloads, so that the others cost nothing', async () => {
    const store = new PostgresJobStore(fresh.database)
    await store.insert([
      newJob('1'),
      newJob('2', `"${'x'.repeat(510)}"`),
      newJob('3', `"${'x'.repeat(511)}"`),
    ])
    const notes = {
      text: 'select id, (note).bytes from runutil.jobs_waiting where note is distinct from null',
    }
    expect(await fresh.database.query(notes)).toEqual([['3', 513]])
  })

  it('are claimed without a look at those that a claim has no room for', async () => {
    const store = new PostgresJobStore(fresh.database)
    const queue = new JobQueue(store)
    const payload = 'x'.repeat(100_000)
    await queue.enqueue(Array.from({ length: 200 }, (_, at) => ({ id: `large ${at}`, kind: 'b', payload })))
    const jobs = await store.claim(['b'], 200, '1h', { maxBytes: 1_000_000 })
    expect(jobs).toHaveLength(9)
    expect(
      await fresh.database.query({ text: "select count(*)::int from runutil.jobs_waiting where kind = 'b'" }),
    ).toEqual([[191]])
  })
})
