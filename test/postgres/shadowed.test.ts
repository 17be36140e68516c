import pg from 'pg'
import { createCoordinate } from 'runutil/coordinate'
import {
  type Database,
  PostgresActionLedger,
  PostgresCoordinateStore,
  PostgresJobStore,
  PostgresLeaseStore,
  PostgresReplicaStore,
  migrate,
  openDatabase,
} from 'runutil/postgres'
import {
  VirtualClock,
  actionLedgerConformance,
  coordinateConformance,
  jobStoreConformance,
  leaseConformance,
  replicaStoreConformance,
  taskExchangeConformance,
} from 'runutil/testing'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { ask } from '../support/postgres/ask.ts'
import { type FreshDatabase, freshDatabase } from '../support/postgres/databases.ts'
import { emptying } from '../support/postgres/emptying.ts'
import { castShadows } from '../support/postgres/shadows.ts'

const guest = `guest_${process.pid}`
const service = `service_${process.pid}`
let fresh: FreshDatabase
let database: Database
let admin: pg.Client

const as = (role: string): string => Object.assign(new URL(fresh.url), { username: role, password: 'x' }).href

beforeAll(async () => {
  fresh = await freshDatabase()
  for (const role of [guest, service]) await ask(fresh.url, `create role ${role} login password 'x'`)
  const name = decodeURIComponent(new URL(fresh.url).pathname.slice(1))
  await ask(
    fresh.url,
    `grant create on schema public to ${guest}; grant create on database "${name}" to ${service};
     alter role ${service} in database "${name}" set search_path = public, pg_catalog`,
  )
  expect(await castShadows(as(guest))).toBeGreaterThan(3_000)
  database = await openDatabase(as(service))
  await migrate(database)
  admin = new pg.Client(fresh.url)
  await admin.connect()
  await admin.query('set search_path = pg_catalog')
})
afterAll(async () => {
  await Promise.all([database?.close(), admin?.end()])
  await fresh.drop()
  for (const role of [guest, service]) await ask(fresh.url.replace(/[^/]*$/, 'postgres'), `drop role ${role}`)
})
/** What one case has left is in the next one's way. */
afterEach(() => admin.query(emptying('runutil')))

/** Whose public schema is full of operators, functions and types that are called as PostgreSQL's own. */
describe('a database that others may create in', () => {
  it('is one where what is named without its schema is theirs', async () => {
    await expect(database.query({ text: 'select 1 + 1' })).rejects.toThrow(
      'shadowed: an operator of int4 and int4',
    )
    await expect(database.query({ text: 'select now()' })).rejects.toThrow('shadowed: function now')
    await expect(database.query({ text: `select 'a'::text` })).rejects.toThrow('check constraint')
  })

  it('is migrated, also when that was done before', async () => {
    await migrate(database)
    await migrate(database, { schema: 'other', grantTo: guest })
    await migrate(database, { schema: 'other', grantTo: guest })
  })

  it.each(Object.entries(leaseConformance))('keeps leases: %s', async (_, check) => {
    const pass = async (ms: number): Promise<void> => {
      const older = `interval '${ms} ms'`
      await ask(
        fresh.url,
        `update runutil.leases set expires = expires - ${older}, started = started - ${older}, failed = failed - ${older}`,
      )
    }
    await check({ leases: new PostgresLeaseStore(database), pass })
  })

  it.each(Object.entries(replicaStoreConformance))('keeps replicas: %s', async (_, check) => {
    const pass = async (ms: number): Promise<void> => {
      await ask(
        fresh.url,
        `update runutil.replicas set seen = seen - interval '${ms} ms';
         update runutil.commands set sent = sent - interval '${ms} ms'`,
      )
    }
    await check({ replicas: new PostgresReplicaStore(database), pass })
  })

  it.each(Object.entries(coordinateConformance))('coordinates work: %s', async (_, check) => {
    const clock = new VirtualClock()
    await check({ coordinate: createCoordinate(new PostgresCoordinateStore(database), { clock }), clock })
  })

  it.each(Object.entries({ ...actionLedgerConformance, ...taskExchangeConformance }))(
    'dispatches actions: %s',
    async (_, check) => {
      const ledger = (): PostgresActionLedger => new PostgresActionLedger(database, { lease: '500ms' })
      await check({ ledger: ledger(), again: async () => ledger() })
    },
  )

  it.each(Object.entries(jobStoreConformance))('queues jobs: %s', async (_, check) => {
    const clock = new VirtualClock()
    await check({ store: new PostgresJobStore(database, { clock }), clock })
  })
})
