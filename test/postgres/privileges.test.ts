import pg from 'pg'
import { Manager } from 'runutil/dispatch'
import {
  type Database,
  PermissionDeniedError,
  PostgresActionLedger,
  PostgresCoordinateStore,
  PostgresJobStore,
  PostgresLeaseStore,
  PostgresReplicaStore,
  migrate,
  openDatabase,
} from 'runutil/postgres'
import { createCoordinate } from 'runutil/coordinate'
import { runAllWorkers } from 'runutil'
import { JobQueue, QueueWorker } from 'runutil/queue'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { capturedLogger } from '../support/logs.ts'
import { ask } from '../support/postgres/ask.ts'
import { type FreshDatabase, freshDatabase } from '../support/postgres/databases.ts'
import { rejection } from '../support/postgres/rejection.ts'

const roles = { app: `app_${process.pid}`, stranger: `stranger_${process.pid}` }
let fresh: FreshDatabase
let owner: Database
const opened: Database[] = []

beforeAll(async () => {
  fresh = await freshDatabase()
  for (const role of Object.values(roles)) await ask(fresh.url, `create role ${role} login password 'x'`)
  owner = await openDatabase(fresh.url)
})
afterAll(async () => {
  await Promise.all([owner, ...opened].map((database) => database.close()))
  await fresh.drop()
  for (const role of Object.values(roles))
    await ask(fresh.url.replace(/[^/]*$/, 'postgres'), `drop role ${role}`)
})

async function as(role: keyof typeof roles): Promise<Database> {
  const url = Object.assign(new URL(fresh.url), { username: roles[role], password: 'x' })
  const database = await openDatabase(url.href)
  opened.push(database)
  return database
}

describe('a role that doesn’t own the schema', () => {
  it('has what a service needs, and no more, when it was granted to it', async () => {
    await migrate(owner, { grantTo: roles.app })
    await migrate(owner, { grantTo: [roles.app] })
    const database = await as('app')
    // As a service does at its start.
    await migrate(database)
    const queue = new JobQueue(new PostgresJobStore(database))
    const worker = new QueueWorker(queue).register('k', () => 'done', { rate: { limit: 100, per: '1s' } })
    const stop = new AbortController()
    const manager = new Manager({ operation: 'o', ledger: new PostgresActionLedger(database) })
    const run = runAllWorkers([worker, manager], stop.signal, { logger: capturedLogger().logger })
    await queue.enqueue({ id: 'a', kind: 'k' })
    expect(await queue.result('a')).toBe('done')
    expect(await manager.actions.get('none')).toBeUndefined()
    stop.abort()
    await run
    await queue.prune('1d')
    const leases = new PostgresLeaseStore(database)
    expect(await leases.acquire('l', { leaseMs: 1_000, everyMs: 1 })).toMatchObject({ kind: 'acquired' })
    const replicas = new PostgresReplicaStore(database)
    const facts = { name: 'r', host: 'h', pid: 1, version: '1.2.3', startedAt: new Date(0), state: {} }
    expect(await replicas.beat({ ...facts, id: 'r' })).toEqual([])
    expect(await replicas.send({ id: '1', replica: 'r', command: {}, by: 'ada' })).toBe(true)
    await replicas.settle('1', { status: 200, body: {} })
    expect(await replicas.outcome('1')).toEqual({ status: 200, body: {} })
    await replicas.leave('r')
    const space = await createCoordinate(new PostgresCoordinateStore(database)).namespace('n')
    const spec = await space.setWorkSpec({ name: 's' })
    await spec.addWorkUnit('u', {})
    expect(await (await space.worker('w')).requestAttempts()).toHaveLength(1)
    for (const text of [
      'create table runutil.mine ()',
      'delete from runutil.migrations',
      'drop table runutil.jobs',
    ]) {
      expect(await rejection(database.query({ text }))).toMatchObject({ code: '42501' })
    }
  })

  it('is told which rights it lacks by every store, by a transaction and by migrate', async () => {
    await migrate(owner)
    const database = await as('stranger')
    const pool = new pg.Pool({
      connectionString: Object.assign(new URL(fresh.url), { username: roles.stranger, password: 'x' }).href,
    })
    const client = await pool.connect()
    await client.query('begin')
    const queue = new JobQueue(new PostgresJobStore(database))
    const refused = [
      () => queue.enqueue({ id: 'b', kind: 'k' }),
      () => queue.enqueue({ id: 'b', kind: 'k' }, { tx: client }),
      () => queue.get('b'),
      () => new PostgresLeaseStore(database).acquire('l', { leaseMs: 1_000, everyMs: undefined }),
      () => new PostgresActionLedger(database).get('a'),
      () => new PostgresReplicaStore(database).list(),
      () => createCoordinate(new PostgresCoordinateStore(database)).namespace('n'),
      () => migrate(database),
      () => migrate(database, { schema: 'another' }),
    ]
    for (const each of refused) {
      const error = await rejection(each())
      expect(error).toBeInstanceOf(PermissionDeniedError)
      expect(error).toMatchObject({ code: 'ERR_PERMISSION_DENIED', cause: { code: '42501' } })
      expect((error as Error).message).toMatch(
        /grantTo: 'ROLE'.*grant usage on schema "(runutil|another)" to ROLE;/,
      )
    }
    client.release()
    await pool.end()
  })

  it('has to be there to be granted anything', async () => {
    const error = await rejection(migrate(owner, { grantTo: 'nobody-here' }))
    expect(error).toMatchObject({ code: 'ERR_INVALID_ARGUMENT' })
    expect((error as Error).message).toMatch(
      /got 'nobody-here', which doesn't exist; create it first: create role "nobody-here"/,
    )
  })

  it.each([5, [''], {}, ['a\0b']])('is no role when it is %j', async (grantTo) => {
    expect(await rejection(migrate(owner, { grantTo: grantTo as string }))).toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
    })
  })
})

it('a setting that runutil can’t work with is named, with what to do', async () => {
  const { url, drop } = await freshDatabase()
  await ask(url, `alter database ${new URL(url).pathname.slice(1)} set array_nulls = off`)
  const database = await openDatabase(url)
  await migrate(database)
  const queue = new JobQueue(new PostgresJobStore(database))
  const error = await rejection(
    queue.enqueue([
      { id: '1', kind: 'k' },
      { id: '2', kind: 'k', priority: 1 },
    ]),
  )
  expect(error).toMatchObject({
    code: 'ERR_DATABASE_SETTING',
    setting: 'array_nulls',
    cause: { code: '22P02' },
  })
  expect((error as Error).message).toMatch(/array_nulls is off.*alter role ROLE set array_nulls = on/)
  await database.close()
  await drop()
})
