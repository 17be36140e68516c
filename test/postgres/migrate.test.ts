import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import pg from 'pg'
import {
  type Database,
  MigrationError,
  PostgresJobStore,
  SchemaChangedError,
  SchemaTooNewError,
  migrate,
  openDatabase,
} from 'runutil/postgres'
import { JobQueue } from 'runutil/queue'
import { Probe } from 'runutil/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { applyMigrations } from '../../packages/runutil/src/postgres/schema/migrate.ts'
import type { Migration } from '../../packages/runutil/src/postgres/schema/migration.ts'
import { migrations } from '../../packages/runutil/src/postgres/schema/migrations.ts'
import { channelName } from '../../packages/runutil/src/postgres/schema/schema-name.ts'
import { BUNDLED_CWD, bundled } from '../support/bundled.ts'
import { ask } from '../support/postgres/ask.ts'
import { freshDatabase, kindsOfDatabase } from '../support/postgres/databases.ts'
import { rejection } from '../support/postgres/rejection.ts'
import { waitingFor } from '../support/postgres/waiting.ts'
import { steps } from './programs/steps.ts'

// PGlite takes a while to open, and ten processes to start.
describe.each(kindsOfDatabase)('migrate on $name', ({ open }) => {
  let database: Database
  beforeAll(async () => {
    database = await open()
  })
  afterAll(() => database.close())

  const numbers = async (schema: string): Promise<unknown[]> =>
    (
      await database.query({ text: `select number from "${schema}".migrations order by applied_at, number` })
    ).flat()

  it('applies each step once, in order, in a schema that it makes', async () => {
    await applyMigrations(database, 'fresh', steps.slice(0, 2))
    expect(await numbers('fresh')).toEqual([1, 2])
    await applyMigrations(database, 'fresh', steps)
    await applyMigrations(database, 'fresh', steps)
    expect(await numbers('fresh')).toEqual([1, 2, 3])
    expect(await database.query({ text: 'select fresh.twice(n), name from fresh.things' })).toEqual([
      [42, 'new'],
    ])
  })

  it.each(['Mixed Case', 'a"b', `x'; drop schema public; --`, 'ü'.repeat(31)])(
    'takes %s as a schema, and keeps schemas apart',
    async (schema) => {
      await applyMigrations(database, schema, steps)
      await applyMigrations(database, `${schema.slice(0, 20)}2`, steps.slice(0, 1))
      const text = `select number from "${schema.replaceAll('"', '""')}".migrations order by 1`
      expect((await database.query({ text })).flat()).toEqual([1, 2, 3])
    },
  )

  it.each([
    ['', /1 to 63 bytes/],
    ['a'.repeat(64), /1 to 63 bytes/],
    ['ü'.repeat(32), /1 to 63 bytes/],
    ['a\0b', /without NUL/],
    ['a$$b', /schema: expected a name without \$\$; got "a\$\$b"/],
    ['pg_mine', /doesn't begin with pg_/],
    [5, /1 to 63 bytes/],
  ])('refuses %j as a schema, and says why', async (schema, why) => {
    const error = await rejection(migrate(database, { schema: schema as string }))
    expect(error).toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringMatching(why) as string,
    })
  })

  it('takes a name as long as can be, of letters of two bytes, for all that the stores do', async () => {
    const schema = `x${'ö'.repeat(31)}`
    await migrate(database, { schema })
    const store = new PostgresJobStore(database, { schema })
    const heard = new Probe('a notification')
    const off = await store.listen(() => heard.hit())
    await new JobQueue(store).enqueue({ id: 'a', kind: 'k' })
    await heard.times(1)
    await off()
    for (const name of ['jobs', 'dispatch', 'work'])
      await (
        await database.listen(channelName(name, schema), () => {})
      )()
  })

  it('refuses an unknown option', async () => {
    await expect(migrate(database, { shema: 'x' } as object)).rejects.toThrow(/did you mean 'schema'/)
  })

  it('stores nothing of a call in which a step fails, and names the step', async () => {
    const broken: Migration = {
      number: 4,
      name: 'break',
      sql: (schema) => `create table ${schema}.broken (); select nonsense`,
    }
    const error = await rejection(applyMigrations(database, 'half', [...steps, broken]))
    expect(error).toBeInstanceOf(MigrationError)
    expect(error).toMatchObject({ number: 4, cause: { code: '42703' } })
    expect((error as Error).message).toMatch(
      /^migration 4 \(break\) failed: column "nonsense" does not exist/,
    )
    expect(await database.query({ text: `select to_regnamespace('half')` })).toEqual([[null]])
    await applyMigrations(database, 'half', steps)
  })

  it('takes a schema that the next version has made, and refuses one after that, and says what to do', async () => {
    await applyMigrations(database, 'newer', steps)
    await applyMigrations(database, 'newer', steps.slice(0, 2))
    expect(await numbers('newer')).toEqual([1, 2, 3])
    const error = await rejection(applyMigrations(database, 'newer', steps.slice(0, 1)))
    expect(error).toBeInstanceOf(SchemaTooNewError)
    expect(error).toMatchObject({ schema: 'newer', found: 3, known: 1 })
    expect((error as Error).message).toMatch(/migration 1 or older.*; got 3.*upgrade runutil/)
  })

  it('takes a schema for as long as its newest step still works with what is known', async () => {
    const last = { ...steps[2]!, needs: 1 }
    await applyMigrations(database, 'gentle', [...steps.slice(0, 2), last])
    await applyMigrations(database, 'gentle', steps.slice(0, 1))
    await applyMigrations(database, 'harsh', [...steps.slice(0, 2), { ...last, needs: 3 }])
    expect(await rejection(applyMigrations(database, 'harsh', steps.slice(0, 2)))).toBeInstanceOf(
      SchemaTooNewError,
    )
  })

  it('refuses a schema whose steps were others under the same numbers, and says what to do', async () => {
    await applyMigrations(database, 'changed', steps)
    const changed = [steps[0]!, { ...steps[1]!, sql: (s: string) => `${steps[1]!.sql(s)};` }, steps[2]!]
    const error = await rejection(applyMigrations(database, 'changed', changed))
    expect(error).toBeInstanceOf(SchemaChangedError)
    expect(error).toMatchObject({ code: 'ERR_SCHEMA_CHANGED', schema: 'changed', number: steps[1]!.number })
    expect((error as Error).message).toMatch(
      /made by a pre-release of runutil.*drop schema "changed" cascade.*delete the folder.*migrate again/,
    )
    await applyMigrations(database, 'changed', steps)
  })

  it('refuses a schema that was made before steps had checksums', async () => {
    await applyMigrations(database, 'ancient', steps)
    await database.query({ text: 'alter table ancient.migrations drop column checksum' })
    const error = await rejection(applyMigrations(database, 'ancient', steps))
    expect(error).toMatchObject({ code: 'ERR_SCHEMA_CHANGED', number: 1 })
    // One of whose steps are missing as well.
    await database.query({ text: 'delete from ancient.migrations where number > 1' })
    expect(await rejection(applyMigrations(database, 'ancient', steps))).toMatchObject({ number: 1 })
  })

  it('takes the same steps in another schema for the same', async () => {
    await applyMigrations(database, 'one', steps)
    await applyMigrations(database, 'other', steps)
    const text = 'select a.checksum = b.checksum from one.migrations a join other.migrations b using (number)'
    expect(await database.query({ text })).toEqual([[true], [true], [true]])
  })

  it(`refuses a schema that has somebody else's table of that name`, async () => {
    await database.query({ text: 'create schema theirs' })
    await database.query({ text: 'create table theirs.migrations (id int, timestamp bigint)' })
    const error = await rejection(migrate(database, { schema: 'theirs' }))
    expect(error).toMatchObject({ code: 'ERR_INVALID_ARGUMENT' })
    expect((error as Error).message).toMatch(/its table migrations isn't runutil's/)
  })

  it(`takes runutil's own steps, in the schema runutil`, async () => {
    await migrate(database)
    await migrate(database, {})
    await migrate(database, { schema: 'elsewhere' })
    const [row] = await database.query({ text: `select to_regclass('runutil.migrations') is not null` })
    expect(row).toEqual([migrations.length > 0])
  })
})

describe('migrations', () => {
  it('are numbered from 1 on, without gaps', () => {
    expect(migrations.map(({ number }) => number)).toEqual(migrations.map((_, index) => index + 1))
  })
})

describe('migrate on a server', () => {
  it('takes each step once when ten processes start at once', async () => {
    const { url, drop } = await freshDatabase()
    const processes = await startTogether(url, 10, await bundled('postgres/programs/migrate'))
    expect(processes).toEqual(Array.from({ length: 10 }, () => 'migrated'))
    const numbers = await ask(url, 'select number from ten.migrations order by 1')
    expect(numbers).toEqual([1, 2, 3].map((number) => ({ number })))
    await drop()
  })

  it('needs no right to make schemas where one was made for it', async () => {
    const { url, drop } = await freshDatabase()
    const role = `modest_${process.pid}`
    const password = 'modest'
    await ask(url, `create role ${role} login password '${password}'`)
    await ask(url, `create schema theirs authorization ${role}`)
    const theirs = new URL(url)
    Object.assign(theirs, { username: role, password })
    const database = await openDatabase(theirs.href)
    await applyMigrations(database, 'theirs', steps)
    await applyMigrations(database, 'theirs', steps)
    const error = await rejection(applyMigrations(database, 'forbidden', steps))
    expect(error).toMatchObject({ code: 'ERR_PERMISSION_DENIED', cause: { code: '42501' } })
    await database.close()
    await drop()
    await ask(url.replace(/[^/]*$/, 'postgres'), `drop role ${role}`)
  })

  it('waits for another as long as it takes, whatever limits and isolation the database sets', async () => {
    const { url, drop } = await freshDatabase()
    const name = new URL(url).pathname.slice(1)
    for (const setting of [
      'statement_timeout = 50',
      'lock_timeout = 50',
      `default_transaction_isolation = 'serializable'`,
    ]) {
      await ask(url, `alter database ${name} set ${setting}`)
    }
    const database = await openDatabase(url)
    const slow: Migration = { number: 1, name: 'slow', sql: () => 'select pg_sleep(0.2)' }
    await Promise.all([1, 2, 3].map(() => applyMigrations(database, 'slow', [slow])))
    expect(await database.query({ text: 'select number from slow.migrations' })).toEqual([[1]])
    await database.close()
    await drop()
  })
})

/** @returns what each has printed, once all have exited with 0 */
async function startTogether(url: string, count: number, code: string): Promise<string[]> {
  const gate = new pg.Client(url)
  await gate.connect()
  await gate.query('select pg_advisory_lock(1)')
  const args = ['--input-type=module', '--eval', code, url]
  const processes = Array.from({ length: count }, () =>
    promisify(execFile)(process.execPath, args, { cwd: BUNDLED_CWD }),
  )
  const ended = Promise.all(processes)
  await Promise.race([waitingFor('advisory', url, count), ended])
  await gate.end()
  return (await ended).map(({ stdout }) => stdout.trim())
}
