import { runAllWorkers } from 'runutil'
import { createCoordinate } from 'runutil/coordinate'
import {
  type Database,
  PostgresCoordinateStore,
  PostgresJobStore,
  PostgresLeaseStore,
  SchemaTooNewError,
  migrate,
} from 'runutil/postgres'
import { JobQueue, QueueWorker } from 'runutil/queue'
import { Probe } from 'runutil/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { applyMigrations } from '../../packages/runutil/src/postgres/schema/migrate.ts'
import type { Migration } from '../../packages/runutil/src/postgres/schema/migration.ts'
import { migrations } from '../../packages/runutil/src/postgres/schema/migrations.ts'
import { capturedLogger } from '../support/logs.ts'
import { kindsOfDatabase } from '../support/postgres/databases.ts'
import { rejection } from '../support/postgres/rejection.ts'

// What the next two versions of runutil may do to the schema: the first adds, the second takes away what only this one uses.
const expand: Migration = {
  number: migrations.length + 1,
  name: 'expand',
  sql: (s) => `
    alter table ${s}.jobs add column tenant text not null default 'none', add column error json;
    alter table ${s}.leases add column owner text;
    create table ${s}.tenants (name text primary key);
    create function ${s}.cancel_job(p_id text, p_now float8, p_why text) returns boolean language sql as
      'select ${s}.cancel_job(p_id, p_now)';`,
}
const contract: Migration = {
  number: migrations.length + 2,
  name: 'contract',
  needs: migrations.length + 1,
  sql: (s) => `
    alter table ${s}.jobs rename column last_error to error_text;
    drop function ${s}.cancel_job(text, float8);`,
}

describe.each(kindsOfDatabase)('a replica of this version, in $name', ({ open }) => {
  let database: Database
  beforeEach(async () => {
    database = await open()
    await migrate(database)
  })
  afterEach(() => database.close())

  const upgrade = (...next: Migration[]): Promise<void> =>
    applyMigrations(database, 'runutil', [...migrations, ...next])

  /** A worker that runs, until it is told to stop or fails. */
  function running() {
    const queue = new JobQueue(new PostgresJobStore(database))
    const handled = new Probe<string>('handled', '60s')
    const worker = new QueueWorker(queue, { pollInterval: '50ms' }).register('a', ({ id }) => handled.hit(id))
    const stop = new AbortController()
    const ended = runAllWorkers([worker], stop.signal, { logger: capturedLogger().logger })
    ended.catch(() => {})
    return { queue, handled, stop, ended }
  }

  it('runs on beside one of the next version, and may be started again', async () => {
    const { queue, handled, stop, ended } = running()
    await queue.enqueue({ id: '1', kind: 'a' })
    await handled.times(1)
    await upgrade(expand)
    await queue.enqueue({ id: '2', kind: 'a' })
    await handled.times(2)
    stop.abort()
    await ended

    await migrate(database)
    const again = running()
    await again.queue.enqueue([
      { id: '3', kind: 'a' },
      { id: '4', kind: 'b' },
    ])
    await again.handled.times(1)
    expect(await again.queue.cancel('4')).toBe(true)
    again.stop.abort()
    await again.ended
    expect(await again.queue.get('3')).toMatchObject({ status: 'DONE' })

    const leases = new PostgresLeaseStore(database)
    expect(await leases.acquire('one', { leaseMs: 1_000, everyMs: undefined })).toMatchObject({
      kind: 'acquired',
    })
    const namespace = await createCoordinate(new PostgresCoordinateStore(database)).namespace('n')
    await (await namespace.setWorkSpec({ name: 'spec' })).addWorkUnits([{ name: 'unit', data: {} }])
    expect(await (await namespace.worker('worker')).requestAttempts({})).toHaveLength(1)
  })

  it('is told that it is too old for the version after that: when it starts, and while it runs', async () => {
    const { queue, handled, ended } = running()
    await queue.enqueue({ id: '1', kind: 'a' })
    await handled.times(1)
    await upgrade(expand, contract)
    await queue.enqueue({ id: '2', kind: 'a' }).catch(() => {})
    const failure = await rejection(ended)
    expect(failure).toMatchObject({ errors: [{ code: 'ERR_SCHEMA_TOO_NEW', found: contract.number }] })
    expect(await rejection(queue.cancel('1'))).toBeInstanceOf(SchemaTooNewError)
    const error = await rejection(migrate(database))
    expect(error).toMatchObject({ code: 'ERR_SCHEMA_TOO_NEW', known: migrations.length })
    expect((error as Error).message).toMatch(/upgrade runutil in this program too/)
  })
})
