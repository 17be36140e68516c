import {
  type Database,
  PostgresDiagnosis,
  PostgresJobStore,
  PostgresReplicaStore,
  migrate,
  openDatabase,
} from 'runutil/postgres'
import { JobQueue } from 'runutil/queue'
import { doctor } from 'runutil/ops'
import { beforeAll, describe, expect, it } from 'vitest'
import { kindsOfDatabase } from '../support/postgres/databases.ts'
import { serverDatabase } from '../support/postgres/migrated-database.ts'

const QUIET = ['node', 'copies', 'decorators']

/** What was found of the database, without what doesn't depend on it. */
async function levels(database: PostgresDiagnosis): Promise<Record<string, string>> {
  const findings = await doctor({ database })
  const seen = findings.filter(({ check }) => !QUIET.includes(check))
  return Object.fromEntries(seen.map(({ check, level }) => [check, level]))
}

describe.each(kindsOfDatabase)('the doctor finds nothing wrong with a new database:', ({ name, open }) => {
  it(
    name,
    async () => {
      const database = await open()
      await migrate(database)
      const sound = [
        'schema',
        'database',
        'listen',
        'clock',
        'transactions',
        'dead-rows',
        'claims',
        'retention',
        'limits',
        'commands',
      ]
      if (database.kind === 'postgres') sound.push('round-trip', 'connections')
      expect(await levels(new PostgresDiagnosis(database))).toEqual(
        Object.fromEntries(sound.map((check) => [check, 'ok'])),
      )
      await database.close()
    },
    60_000,
  )
})

describe('of a PostgreSQL, the doctor finds', () => {
  let diagnosis: PostgresDiagnosis
  const fresh = serverDatabase(beforeAll)
  beforeAll(() => void (diagnosis = new PostgresDiagnosis(fresh.database)))

  it('a schema that is missing, of a pre-release, or too new', async () => {
    const { missing } = await new PostgresDiagnosis(fresh.database, { schema: 'none' }).schema()
    expect(missing).toEqual(['queue', 'coordinate', 'leases', 'dispatch', 'ops'])
    const schema = 'other'
    await migrate(fresh.database, { schema })
    await fresh.database.query({ text: `update other.migrations set checksum = 'x' where number = 3` })
    expect(await new PostgresDiagnosis(fresh.database, { schema }).schema()).toMatchObject({
      changed: 'leases',
      isTooNew: false,
    })
    await fresh.database.query({
      text: `insert into other.migrations (number, name, needs) values (99, 'next', 98)`,
    })
    expect(await new PostgresDiagnosis(fresh.database, { schema }).schema()).toMatchObject({ isTooNew: true })
  })

  it('checks that no schema is there for, each with the reason', async () => {
    const findings = await doctor({ database: new PostgresDiagnosis(fresh.database, { schema: 'none' }) })
    expect(findings.find(({ check }) => check === 'claims')).toMatchObject({
      level: 'warn',
      found: expect.stringMatching(/^could not be found out: .*none/) as string,
    })
  })

  it('a notification that was not heard', async () => {
    // As a pooler in transaction mode: what listens is another session each time.
    const swallowing: Database = Object.create(fresh.database, {
      listen: { value: async () => async () => {} },
      query: { value: fresh.database.query.bind(fresh.database) },
    }) as Database
    expect(await new PostgresDiagnosis(swallowing).hears(50)).toBe(false)
    expect(await diagnosis.hears(5_000)).toBe(true)
  })

  it('the oldest transaction of others, in this database', async () => {
    expect(await diagnosis.oldestTransaction()).toBeUndefined()
    await fresh.database.transaction(async (tx) => {
      await tx.query('select 1')
      const oldest = await diagnosis.oldestTransaction()
      expect(oldest).toMatchObject({ state: 'idle in transaction' })
      expect(oldest!.ageMs).toBeGreaterThanOrEqual(0)
      expect(oldest!.ageMs).toBeLessThan(60_000)
    })
  })

  it('dead rows of each table', async () => {
    await fresh.database.query({ text: `alter table runutil.paused_kinds set (autovacuum_enabled = off)` })
    await fresh.database.query({
      text: `insert into runutil.paused_kinds select 'k' || n from generate_series(1, 60000) as n`,
    })
    await fresh.database.query({ text: `delete from runutil.paused_kinds` })
    // The server's counts follow a moment later.
    const most = async () => (await diagnosis.deadRows())[0]
    await expect
      .poll(most, { timeout: 60_000 })
      .toMatchObject({ table: 'paused_kinds', dead: 60_000, live: 0 })
    expect(await levels(diagnosis)).toMatchObject({ 'dead-rows': 'warn' })
  })

  it('claims past their lease', async () => {
    const store = new PostgresJobStore(fresh.database)
    await new JobQueue(store).enqueue([{ kind: 'mail' }, { kind: 'mail' }])
    await store.claim(['mail'], 2, '1m')
    expect(await diagnosis.expiredClaims()).toEqual({ count: 0, oldestMs: 0 })
    await fresh.database.query({
      text: `update runutil.job_claims set expires_at = expires_at - interval '2 h'`,
    })
    const { count, oldestMs } = await diagnosis.expiredClaims()
    expect(count).toBe(1)
    expect(oldestMs).toBeGreaterThan(7_000_000)
    expect(await levels(diagnosis)).toMatchObject({ claims: 'warn' })
  })

  it('a retention that is behind', async () => {
    const text = `insert into runutil.job_sweeps (part, due_at) values (0, now() + interval '1 h'), (1, now() - interval '3 h')`
    await fresh.database.query({ text })
    const behindMs = await diagnosis.retentionBehindMs()
    expect(Math.round(behindMs / 60_000)).toBe(180)
    expect(await levels(diagnosis)).toMatchObject({ retention: 'warn' })
  })

  it('kinds whose workers have different limits, as long as both live', async () => {
    const add = (worker: string, kind: string, concurrency: number | null) =>
      fresh.database.query(
        { text: `insert into runutil.job_rules values ($1, $2, $3, null, null, null, 1, 1)` },
        [kind, worker, concurrency],
      )
    await fresh.database.query({ text: `insert into runutil.job_workers values ('a', now()), ('b', now())` })
    await add('a', 'mail', 2)
    await add('b', 'mail', null)
    await add('a', 'page', 2)
    await add('b', 'page', 2)
    expect(await diagnosis.kindsWithDifferentRules()).toEqual(['mail'])
    await fresh.database.query({
      text: `update runutil.job_workers set renewed_at = now() - interval '1 h' where worker = 'b'`,
    })
    expect(await diagnosis.kindsWithDifferentRules()).toEqual([])
  })

  it('commands that a live process has not taken in time', async () => {
    const replicas = new PostgresReplicaStore(fresh.database)
    const facts = { name: 'web', host: 'ada', pid: 1, version: '1.2.3', startedAt: new Date(0), state: {} }
    await replicas.beat({ ...facts, id: 'live' })
    await replicas.beat({ ...facts, id: 'lost' })
    await replicas.send({ id: '1', replica: 'live', command: {}, by: 'ada' })
    await replicas.send({ id: '2', replica: 'lost', command: {}, by: 'ada' })
    expect(await diagnosis.untakenCommands()).toBe(0)
    await fresh.database.query({ text: `update runutil.commands set sent = sent - interval '40 s'` })
    await fresh.database.query({
      text: `update runutil.replicas set seen = seen - interval '40 s' where id = 'lost'`,
    })
    expect(await diagnosis.untakenCommands()).toBe(1)
    expect(await levels(diagnosis)).toMatchObject({ commands: 'warn' })
  })

  it('what its silence hides: each check that needs it', async () => {
    const closed = await openDatabase(fresh.url)
    await closed.close()
    const findings = await doctor({ database: new PostgresDiagnosis(closed) })
    const unknown = findings.filter(({ found }) => found.startsWith('could not be found out: '))
    expect(unknown.map(({ check }) => check)).toEqual(
      findings.map(({ check }) => check).filter((check) => !QUIET.includes(check)),
    )
  })
})
