import pg from 'pg'
import { type Database, DatabaseRefusedError, openDatabase } from 'runutil/postgres'
import { Probe } from 'runutil/testing'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { StoreUnavailableError } from '../../packages/runutil/src/core/store-unavailable-error.ts'
import { Child } from '../support/child.ts'
import { ask } from '../support/postgres/ask.ts'
import { dropDatabase } from '../support/postgres/create-database.ts'
import { rejection } from '../support/postgres/rejection.ts'
import { PostgresServer } from '../support/postgres/server.ts'
import { waitingFor } from '../support/postgres/waiting.ts'

/** Connecting again is tried with backoff, after a server that takes its time. */
const PATIENCE = '30s'

let server: PostgresServer
let url: string
let database: Database

beforeAll(async () => {
  server = await PostgresServer.start({ settings: { fsync: 'off' } })
})
afterAll(() => server.stop())

beforeEach(async () => {
  url = await server.createDatabase()
  database = await openDatabase(url, { max: 3 })
})
afterEach(() => database.close())

const databaseName = (): string => new URL(url).pathname.slice(1)
const endless = { name: 'endless', text: 'select pg_sleep(60)' }
const one = { name: 'one', text: 'select 1' }

const losses: [string, () => Promise<unknown>][] = [
  ['a fast restart', () => server.restart('fast')],
  ['a crash', () => server.restart('immediate')],
  ['terminated backends', () => server.terminateBackends(databaseName())],
]

describe.each(losses)('a connection lost by %s', (_, lose) => {
  it('rejects the statement that runs, whose outcome nobody knows, and the next one works', async () => {
    const rejected = rejection(database.query(endless))
    await waitingFor('PgSleep', url)
    await lose()
    expect(await rejected).toMatchObject({ code: 'ERR_STORE_UNAVAILABLE', outcomeUnknown: true })
    expect(await rejected).toBeInstanceOf(StoreUnavailableError)
    expect(await database.query(one)).toEqual([[1]])
  })

  it('rolls back the transaction that runs, and is certain of it', async () => {
    await database.query({ text: 'create table t (n int)' })
    const transaction = database.transaction(async (tx) => {
      await tx.query('insert into t values (1)')
      await tx.query(endless.text)
    })
    const rejected = rejection(transaction)
    await waitingFor('PgSleep', url)
    await lose()
    expect(await rejected).toMatchObject({ code: 'ERR_STORE_UNAVAILABLE', outcomeUnknown: false })
    expect(await database.query({ text: 'select n from t' })).toEqual([])
  })

  it('knows nothing of a transaction that was just about to commit', async () => {
    await database.transaction((tx) =>
      tx.script(`
        create table t (n int);
        create function hold() returns trigger language plpgsql as
          $$ begin perform pg_sleep(60); return null; end $$;
        create constraint trigger hold after insert on t deferrable initially deferred
          for each row execute function hold()`),
    )
    const rejected = rejection(database.transaction((tx) => tx.query('insert into t values (1)')))
    await waitingFor('PgSleep', url)
    await lose()
    expect(await rejected).toMatchObject({ code: 'ERR_STORE_UNAVAILABLE', outcomeUnknown: true })
  })

  it('hears again, after a call with nothing for what it may have missed', async () => {
    const heard = new Probe<string>('heard', PATIENCE)
    const other = new Probe<string>('other', PATIENCE)
    const offs = [
      await database.listen('Channel', (payload) => heard.hit(payload)),
      await database.listen('other', (payload) => other.hit(payload)),
    ]
    const off = await database.listen('Channel', () => heard.hit('taken off'))
    await off()
    for (const round of [1, 2]) {
      await lose()
      await heard.times(round * 2 - 1)
      await other.times(round * 2 - 1)
      await ask(url, `select pg_notify('Channel', 'after'), pg_notify('other', 'after')`)
      await heard.times(round * 2)
      await other.times(round * 2)
    }
    expect([heard.values, other.values]).toEqual([
      ['', 'after', '', 'after'],
      ['', 'after', '', 'after'],
    ])
    for (const takeOff of offs) await takeOff()
  })

  it('is nothing to the process when all of them were idle', async () => {
    const disconnected = new Probe('disconnected', PATIENCE)
    const pool = new pg.Pool({ connectionString: url, max: 3 })
    pool.on('remove', () => disconnected.hit())
    const theirs = await openDatabase(pool)
    await Promise.all([1, 2, 3].map(() => theirs.query({ text: 'select pg_sleep(0.02)' })))
    await lose()
    await disconnected.times(3)
    expect(await theirs.query(one)).toEqual([[1]])
    await theirs.close()
    await pool.end()
  })
})

describe('a server that is away', () => {
  it('rejects everything, says where it was looked for, and works once it is back', async () => {
    const resume = await server.pause('immediate')
    const where = `PostgreSQL at 127.0.0.1:${server.port}`
    // What was connected may see that only now.
    await rejection(Promise.all([1, 2, 3].map(() => database.query(one))))
    for (const use of [
      () => database.query(one),
      () => database.transaction(async (tx) => tx.query('select 1')),
      () => database.listen('channel', () => {}),
      () => openDatabase(url),
    ]) {
      const error = await rejection(use())
      expect(error).toBeInstanceOf(StoreUnavailableError)
      expect(error).toMatchObject({
        outcomeUnknown: false,
        message: expect.stringContaining(where) as string,
      })
    }
    await resume()
    expect(await database.query(one)).toEqual([[1]])
  })

  it('is waited for by those that listen, and by nobody who stopped or closed', async () => {
    const heard = new Probe<string>('heard', PATIENCE)
    const gone = new Probe<string>('gone', PATIENCE)
    await database.listen('channel', (payload) => heard.hit(payload))
    const off = await database.listen('channel', (payload) => gone.hit(payload))
    const closed = await openDatabase(url)
    await closed.listen('channel', (payload) => gone.hit(payload))
    const resume = await server.pause('fast')
    await rejection(database.listen('channel', (payload) => gone.hit(payload)))
    await off()
    await closed.close()
    await resume()
    await heard.times(1)
    await ask(url, `select pg_notify('channel', 'back')`)
    await heard.times(2)
    expect([heard.values, gone.values]).toEqual([['', 'back'], []])
  })
})

describe('a transaction whose body reports the loss in its own words', () => {
  it('rejects with them, and the connection goes', async () => {
    const own = new Error('mine')
    const transaction = database.transaction(async (tx) => {
      await tx.query('select pg_terminate_backend(pg_backend_pid())').catch(() => {
        throw own
      })
    })
    expect(await rejection(transaction)).toBe(own)
    expect(await database.query(one)).toEqual([[1]])
  })

  it('is unavailable when the body is silent about it, and nothing is stored', async () => {
    await database.query({ text: 'create table t (n int)' })
    const transaction = database.transaction(async (tx) => {
      await tx.query('insert into t values (1)')
      await tx.query('select pg_terminate_backend(pg_backend_pid())').catch(() => {})
    })
    expect(await rejection(transaction)).toMatchObject({
      code: 'ERR_STORE_UNAVAILABLE',
      outcomeUnknown: false,
    })
    expect(await database.query({ text: 'select n from t' })).toEqual([])
  })
})

describe('a program that listens', () => {
  it('ends by itself once it has closed, also when it had to connect again', async () => {
    const child = new Child('postgres/programs/listen', url)
    expect(await child.exit).toEqual({ code: 0, signal: null, lines: ['closed'] })
  })
})

describe('a database that was dropped while in use', () => {
  it('is a refusal that names it', async () => {
    const off = await database.listen('channel', () => {})
    await database.query(one)
    await dropDatabase(url)
    // The first may still meet a connection that was ended.
    await rejection(database.query(one))
    const error = await rejection(database.query(one))
    expect(error).toBeInstanceOf(DatabaseRefusedError)
    expect((error as Error).message).toMatch(new RegExp(`"${databaseName()}" does not exist.*createdb`))
    await off()
  })
})

describe('a prepared statement', () => {
  it.each([
    ['a table has one column more', 'alter table t add column m int default 2', [[1, 2]]],
    ['a table was made anew', 'drop table t; create table t (n text); insert into t values (3)', [['3']]],
    ['somebody has dropped what was prepared', 'deallocate all', [[1]]],
  ])('runs again when %s', async (_, change, rows) => {
    // All on one connection.
    const single = await openDatabase(url, { max: 1 })
    await single.transaction((tx) => tx.script('create table t (n int); insert into t values (1)'))
    const statement = { name: 'everything', text: 'select * from t' }
    await single.query(statement)
    expect(await single.query(statement)).toEqual([[1]])
    await single.transaction((tx) => tx.script(change))
    const again = [await single.query(statement), await single.query(statement)]
    expect(again).toEqual([rows, rows])
    const prepared = await single.query({ text: `select name from pg_prepared_statements` })
    expect(prepared).toEqual([['everything']])
    await single.close()
  })
})
