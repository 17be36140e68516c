import { type Database, PostgresJobStore, migrate } from 'runutil/postgres'
import type { KindRules, LeasedJob, Settlement } from 'runutil/queue'
import { VirtualClock } from 'runutil/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { kindsOfDatabase } from '../support/postgres/databases.ts'

const ROUNDS = Number(process.env['RACE_ROUNDS'] ?? 25)
const LIMITED: KindRules = {
  limits: { concurrency: 100, keyConcurrency: undefined, rate: undefined },
  retention: { doneMs: Infinity, failedMs: Infinity },
}

const SLOWLY = `create function runutil.slowly() returns trigger language plpgsql
  as $$ begin perform pg_sleep(0.03); return old; end $$`
const SLOW =
  'create trigger slow before delete on runutil.jobs_waiting for each row execute function runutil.slowly()'

const done = (job: LeasedJob, result?: string): Settlement => {
  const { id, kind, claim, attempt } = job
  return { id, kind, claim, attempt, outcome: { status: 'DONE', result }, durationMs: 1 }
}

describe.each(kindsOfDatabase)('settling a job and claiming the next, in $name', ({ name, open }) => {
  let database: Database
  let statements: string[] = []
  beforeAll(async () => {
    database = await open()
    await migrate(database)
    await database.query({ text: SLOWLY })
  })
  afterAll(() => database?.close())

  /** Its time stands still, so that no claim looks for expired leases. */
  function counting(): PostgresJobStore {
    const query: Database['query'] = (statement, params, options) => {
      // Not what notifies others now and then.
      if (/settle|claim/.test(statement.text)) statements.push(statement.text)
      return database.query(statement, params, options)
    }
    const counted = new Proxy(database, {
      get: (target, key) => {
        const own: unknown = key === 'query' ? query : Reflect.get(target, key)
        return typeof own === 'function' ? (own.bind(target) as unknown) : own
      },
    })
    return new PostgresJobStore(counted, { clock: new VirtualClock() })
  }

  let kinds = 0
  /** Waiting jobs of a kind of their own. */
  async function put(store: PostgresJobStore, count: number, payload = 'null'): Promise<string> {
    const kind = `k${++kinds}`
    await store.insert(
      Array.from({ length: count }, (_, at) => {
        return { id: `${kind}-${at}`, kind, payload, runAt: undefined, priority: 0, key: undefined }
      }),
    )
    return kind
  }

  /** Transactions that have written. Nobody else uses an embedded one; a server's number counts for all of its databases. */
  async function writes(): Promise<number> {
    if (name !== 'PGlite') return NaN
    const text = 'select pg_snapshot_xmax(pg_current_snapshot())::text::float8'
    return (await database.query<[number]>({ text }))[0]![0]
  }

  it.each([
    ['small', 'null'],
    ['large', JSON.stringify('x'.repeat(2_000))],
  ])('takes one statement and one transaction, with %s payloads', async (_, payload) => {
    const store = counting()
    const kind = await put(store, 41, payload)
    let [job] = await store.claim([kind], 1, '1h')
    statements = []
    const before = await writes()
    for (let at = 1; at <= 40; at++) {
      const { lost, jobs } = await store.settleAndClaim([done(job!, `${at}`)], [kind], 1, '1h')
      expect([lost, jobs.map(({ id }) => id)]).toEqual([[], [`${kind}-${at}`]])
      job = jobs[0]
    }
    expect(statements).toHaveLength(40)
    expect((await writes()) - before).toEqual(name === 'PGlite' ? 40 : NaN)
  })

  it('takes as many for several jobs of several kinds', async () => {
    const store = counting()
    const both = [await put(store, 21), await put(store, 21)]
    let running = await store.claim(both, 2, '1h')
    statements = []
    for (let at = 1; at <= 20; at++) {
      const { lost, jobs } = await store.settleAndClaim(
        running.map((job) => done(job)),
        both,
        2,
        '1h',
      )
      expect([lost.length, jobs.length]).toEqual([0, 2])
      running = jobs
    }
    expect(statements).toHaveLength(20)
  })

  it('does neither where the server refuses the result', async () => {
    const store = counting()
    const kind = await put(store, 2)
    const [job] = await store.claim([kind], 1, '1h')
    await expect(store.settleAndClaim([done(job!, 'no JSON')], [kind], 1, '1h')).rejects.toThrow()
    expect((await store.counts())[kind]).toMatchObject({ PENDING: 1, RUNNING: 1, DONE: 0 })
    const { jobs } = await store.settleAndClaim([done(job!, '"JSON"')], [kind], 1, '1h')
    expect(jobs.map(({ id }) => id)).toEqual([`${kind}-1`])
    expect(await store.get(job!.id)).toMatchObject({ status: 'DONE', result: 'JSON' })
  })

  it.each([1, 2])(
    'leaves the next claim of %i to one with marks, where it has passed dead rows',
    async (limit) => {
      const store = new PostgresJobStore(database)
      const kind = await put(store, 60)
      let [job] = await store.claim([kind], 1, '1h')
      const claimedSlowly = async (): Promise<LeasedJob[]> => {
        await database.query({ text: SLOW })
        const { jobs } = await store.settleAndClaim([done(job!)], [kind], limit, '1h')
        await database.query({ text: 'drop trigger slow on runutil.jobs_waiting' })
        return jobs
      }
      let slow = await claimedSlowly()
      // Twice a second, a claim looks for expired leases instead.
      for (let tries = 0; slow.length === 0 && tries < 20; tries++) {
        ;[job] = await store.claim([kind], 1, '1h')
        slow = await claimedSlowly()
      }
      expect(slow).toHaveLength(limit)
      const batch = slow.map((one) => done(one))
      expect(await store.settleAndClaim(batch, [kind], limit, '1h')).toEqual({ lost: [], jobs: [] })
      expect(await store.claim([kind], limit, '1h')).toHaveLength(limit)
    },
  )

  it('never waits for an operator who cancels both jobs, who waits for it', async () => {
    const store = new PostgresJobStore(database)
    const deadlocks = async (): Promise<unknown> => {
      const text = 'select deadlocks from pg_stat_database where datname = current_database()'
      return database.query({ text })
    }
    const before = await deadlocks()
    const kind = await put(store, 3 * ROUNDS)
    for (let round = 0; round < ROUNDS; round++) {
      const [job] = await store.claim([kind], 1, '1h')
      const next = `${kind}-${Number(job!.id.split('-')[1]) + 1}`
      const [{ jobs }] = await Promise.all([
        store.settleAndClaim([done(job!)], [kind], 1, '1h'),
        store.cancelJobs([job!.id, next]),
      ])
      await store.settle(jobs.map((one) => done(one)))
    }
    expect(await deadlocks()).toEqual(before)
    expect((await store.counts())[kind]).toMatchObject({ RUNNING: 0 })
  })

  it("claims no job that a kind's first limit, set meanwhile, doesn't count", async () => {
    const store = new PostgresJobStore(database)
    for (let round = 0; round < ROUNDS; round++) {
      const kind = await put(store, 6)
      const running = await store.claim([kind], 3, '1h')
      const answers = await Promise.all([
        ...running.map((job) => store.settleAndClaim([done(job)], [kind], 1, '1h')),
        store.setRules('w', new Map([[kind, LIMITED]])).then(() => ({ jobs: [] })),
      ])
      const slots = await database.query({
        text: `select id from runutil.job_slots where kind = '${kind}' order by id`,
      })
      expect(slots.flat()).toEqual(
        answers
          .flatMap(({ jobs }) => jobs)
          .map(({ id }) => id)
          .toSorted(),
      )
    }
  })
})
