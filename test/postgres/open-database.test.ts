import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { type Database, DatabaseRefusedError, MissingPeerError, openDatabase } from 'runutil/postgres'
import { afterEach, beforeAll, describe, expect, inject, it, vi } from 'vitest'
import { StoreUnavailableError } from '../../packages/runutil/src/core/store-unavailable-error.ts'
import { importPeer } from '../../packages/runutil/src/core/import-peer.ts'
import { capturedLogger, withLogger } from '../support/logs.ts'
import { type FreshDatabase, freshDatabase } from '../support/postgres/databases.ts'
import { rejection } from '../support/postgres/rejection.ts'

const server = inject('postgresUrl')
const { port } = new URL(server)

afterEach(() => vi.unstubAllEnvs())

/** Opens, uses and closes. */
async function using<T>(database: Promise<Database>, use: (database: Database) => Promise<T>): Promise<T> {
  const opened = await database
  try {
    return await use(opened)
  } finally {
    await opened.close()
  }
}

const applicationName = async (database: Database): Promise<unknown> =>
  (await database.query({ text: `select current_setting('application_name')` }))[0]![0]

describe('openDatabase on a server', () => {
  it.each([
    ['postgres://', server],
    ['postgresql://', server.replace('postgres:', 'postgresql:')],
  ])('takes %s, and tells the server that it is runutil', async (_, url) => {
    await using(openDatabase(url), async (database) => {
      expect([database.kind, database.listens]).toEqual(['postgres', true])
      expect(await applicationName(database)).toBe('runutil')
    })
  })

  it(`leaves the application's name to the URL`, async () => {
    await using(openDatabase(`${server}?application_name=mine`), async (database) =>
      expect(await applicationName(database)).toBe('mine'),
    )
  })

  it('takes DATABASE_URL when no target is given', async () => {
    vi.stubEnv('DATABASE_URL', server)
    await using(openDatabase(), async (database) => expect(database.kind).toBe('postgres'))
  })

  it('logs what was opened when no target is given, without its password', async () => {
    vi.stubEnv('DATABASE_URL', server)
    const { logger, lines } = capturedLogger()
    await using(
      withLogger(logger, () => openDatabase()),
      async () => {},
    )
    expect(lines.map(({ level, msg }) => [level, msg])).toEqual([
      [30, `opened PostgreSQL at 127.0.0.1:${port}, as DATABASE_URL says`],
    ])
  })

  it('opens no more connections than max', async () => {
    const { url, drop } = await freshDatabase()
    await using(openDatabase(url, { max: 3 }), async (database) => {
      const text = `select count(*)::int from pg_stat_activity where datname = current_database()`
      const counts = await Promise.all(Array.from({ length: 12 }, () => database.query({ text })))
      expect(Math.max(...counts.map(([row]) => row![0] as number))).toBeLessThanOrEqual(3)
    })
    await drop()
  })

  it.each([
    [
      'a wrong password',
      (url: URL) => (url.password = 'wrong-pw'),
      /password authentication failed.*check user and password/,
    ],
    [
      'an unknown user',
      (url: URL) => (url.username = 'nobody-knows'),
      /nobody-knows.*check user and password/,
    ],
    ['no password', (url: URL) => (url.password = ''), /password.*give a password/],
    ['a missing database', (url: URL) => (url.pathname = 'missing'), /"missing" does not exist.*createdb/],
    ['TLS that it has not', (url: URL) => (url.search = 'sslmode=verify-full'), /SSL.*sslmode/],
  ])('tells how to mend %s', async (_, change, message) => {
    const url = new URL(server)
    change(url)
    vi.stubEnv('PGPASSWORD', '')
    const error = await rejection(openDatabase(url.href))
    expect(error).toBeInstanceOf(DatabaseRefusedError)
    expect(error).toMatchObject({
      code: 'ERR_DATABASE_REFUSED',
      message: expect.stringMatching(message) as string,
    })
    expect((error as Error).message).toContain(`127.0.0.1:${port}`)
    expect((error as Error).message).not.toMatch(/secret|wrong-pw/)
  })

  it('names the server that it can not reach, never the password', async () => {
    // Nothing listens on port 1.
    const error = await rejection(openDatabase('postgres://me:p%40ss@localhost:1/db'))
    expect(error).toBeInstanceOf(StoreUnavailableError)
    expect(error).toMatchObject({ outcomeUnknown: false })
    expect((error as Error).message).toMatch(
      /cannot reach PostgreSQL at localhost:1: .*ECONNREFUSED.*check that it is running/,
    )
    expect((error as Error).message).not.toMatch(/p%40ss|p@ss/)
  })
})

describe('openDatabase with listen: false', () => {
  const preparedNames = async (listen: boolean): Promise<unknown[]> =>
    using(openDatabase(server, { listen, max: 1 }), async (database) => {
      const statement = { name: 'named', text: 'select $1::int' }
      for (const n of [1, 2]) expect(await database.query(statement, [n])).toEqual([[n]])
      return (await database.query({ text: 'select name from pg_prepared_statements' })).flat()
    })

  it('prepares no statement, which a pooler would leave on some other connection', async () => {
    expect(await preparedNames(false)).toEqual([])
    expect(await preparedNames(true)).toEqual(['named'])
  })

  it('says that it does not listen, and does nothing when it is told to', async () => {
    await using(openDatabase(server, { listen: false }), async (database) => {
      expect(database.listens).toBe(false)
      const off = await database.listen('channel', () => {})
      const listening = `select count(*)::int from pg_stat_activity where query ilike 'listen%' and datname = $1`
      expect(await database.query({ text: listening }, ['postgres'])).toEqual([[0]])
      await off()
    })
  })
})

describe(`openDatabase with the caller's own`, () => {
  let fresh: FreshDatabase
  beforeAll(async () => {
    fresh = await freshDatabase()
  })

  it('takes a pool as it is, and never closes it', async () => {
    const pool = new pg.Pool({ connectionString: fresh.url, application_name: 'theirs' })
    await using(openDatabase(pool), async (database) => {
      expect([database.kind, database.listens]).toEqual(['postgres', true])
      expect(await applicationName(database)).toBe('theirs')
      await database.listen('channel', () => {})
      // What listens is beside it.
      expect(pool.totalCount - pool.idleCount).toBe(0)
    })
    expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }])
    await pool.end()
  })

  it('adds one listener to a pool, however often it is opened', async () => {
    const pool = new pg.Pool({ connectionString: fresh.url })
    for (let n = 0; n < 20; n++) await using(openDatabase(pool), async () => {})
    expect(pool.listenerCount('error')).toBe(1)
    const client = await pool.connect()
    const before = client.listenerCount('error')
    client.release()
    await using(openDatabase(pool), (database) => database.query({ text: 'select 1' }))
    const after = await pool.connect()
    expect(after.listenerCount('error')).toBe(before)
    after.release()
    await pool.end()
  })

  it('does not listen on a pool of one connection, which would be the only one', async () => {
    const pool = new pg.Pool({ connectionString: fresh.url, max: 1 })
    await using(openDatabase(pool), async (database) => {
      expect(database.listens).toBe(false)
      await database.listen('channel', () => {})
      expect(await database.query({ text: 'select 1' })).toEqual([[1]])
    })
    await pool.end()
  })

  it('drops the connection on which a statement still runs after a timeout of its pool', async () => {
    const pool = new pg.Pool({ connectionString: fresh.url, max: 1, query_timeout: 300 })
    await using(openDatabase(pool), async (database) => {
      const error = await rejection(database.query({ text: 'select pg_sleep(60)' }))
      expect(error).toMatchObject({ code: 'ERR_STORE_UNAVAILABLE', outcomeUnknown: true })
      expect(await database.query({ text: 'select 1' })).toEqual([[1]])
    })
    await pool.end()
  })

  it('says that a pool was ended by its owner', async () => {
    const pool = new pg.Pool({ connectionString: fresh.url })
    const database = await openDatabase(pool)
    await pool.end()
    await expect(database.query({ text: 'select 1' })).rejects.toMatchObject({ code: 'ERR_DATABASE_CLOSED' })
    await database.close()
  })
})

describe('openDatabase with bad input', () => {
  const targets = /'postgres:\/\/…', 'memory:', 'file:DIR', a pg.Pool or a PGlite/
  it.each<[string, unknown, RegExp]>([
    ['another scheme', 'mysql://me:secret@host/db', targets],
    ['a scheme without slashes', 'mysql:me:secret@host', targets],
    ['a password among words', `host=db password='a secret'`, targets],
    ['no scheme', 'me:secret@host:5432/db', targets],
    ['no slashes after the scheme', 'postgres:me:secret@host/db', targets],
    ['an option that there is none of', 'file:data?durabel=off', /durable=on or durable=off/],
    ['another scheme with odd letters', 'mysql://me:se/cr@et@host/db', targets],
    ['a password among parameters', 'mysql://host/db?password=secret', targets],
    ['an empty string', '', targets],
    ['a path', './data', targets],
    ['no folder', 'file:', targets],
    ['a number', 5, targets],
    ['null', null, targets],
    ['a pg.Client', new pg.Client(), targets],
    ['an empty object', {}, targets],
    ['a URL that is none', 'postgres://me:secret@host:port/db', /expected a URL as postgres:/],
    ['a password for a port', 'postgres://me:secret', /expected a URL as postgres:/],
    ['an escape that stands for no letter', 'postgres://me:secret%FF@host/db', /expected a URL as postgres:/],
  ])('refuses %s', async (_, target, message) => {
    vi.stubEnv('DATABASE_URL', '')
    const error = (await rejection(openDatabase(target as string))) as Error & { code: string }
    expect(error.code).toBe('ERR_INVALID_ARGUMENT')
    expect(error.message).toMatch(message)
    expect(JSON.stringify([error.message, error.cause, error.stack])).not.toMatch(/secret|cr@et/)
  })

  it.each<[object, RegExp]>([
    [{ listens: false }, /unknown option 'listens'; did you mean 'listen'/],
    [{ listen: 'no' }, /listen: expected a boolean; got "no"/],
    [{ max: 0 }, /max: expected a whole number of 1 or more; got 0/],
    [{ max: 1.5 }, /max: expected a whole number/],
    [{ max: NaN }, /max: expected a whole number/],
  ])('refuses the options %j', async (options, message) => {
    await expect(openDatabase(server, options)).rejects.toThrow(message)
  })
})

describe('openDatabase without a target', () => {
  it('refuses an empty DATABASE_URL', async () => {
    vi.stubEnv('DATABASE_URL', '')
    await expect(openDatabase()).rejects.toThrow('openDatabase: DATABASE_URL is empty')
  })

  it('says that it was DATABASE_URL, and shows nothing of it but the scheme', async () => {
    vi.stubEnv('DATABASE_URL', 'postgers://me:secret@host/db')
    const error = (await rejection(openDatabase())) as Error
    expect(error.message).toMatch(/^openDatabase: DATABASE_URL: .*; got a string that begins with postgers:$/)
  })

  it('opens no embedded database in production that was not asked for by name', async () => {
    vi.stubEnv('DATABASE_URL', undefined)
    vi.stubEnv('NODE_ENV', 'production')
    await expect(openDatabase()).rejects.toThrow(
      /expected a target or DATABASE_URL, since NODE_ENV is production/,
    )
    vi.stubEnv('DATABASE_URL', 'memory:')
    await using(openDatabase(), async (database) => expect(database.kind).toBe('pglite'))
  })

  it('opens the folder .runutil otherwise, and logs where', async () => {
    vi.stubEnv('DATABASE_URL', undefined)
    const folder = await mkdtemp(join(tmpdir(), 'runutil-default-'))
    vi.spyOn(process, 'cwd').mockReturnValue(folder)
    const { logger, lines } = capturedLogger()
    await using(
      withLogger(logger, () => openDatabase()),
      async (database) => expect(database.kind).toBe('pglite'),
    )
    const where = join(folder, '.runutil')
    expect(lines.map(({ msg }) => msg)).toEqual([
      `opened the embedded database in ${where}, since DATABASE_URL is not set`,
    ])
    await rm(folder, { recursive: true })
  })
})

describe('a peer that is not installed', () => {
  it('is an error that says what to install', async () => {
    const missing: string = 'runutil-no-such-peer'
    const load = importPeer(missing, () => import(/* @vite-ignore */ missing) as Promise<unknown>)
    const error = await rejection(load)
    expect(error).toBeInstanceOf(MissingPeerError)
    expect((error as Error).message).toMatch(/isn't installed; run npm i runutil-no-such-peer/)
  })

  it('is told apart from one that fails by itself', async () => {
    const broken = new Error('broken')
    expect(await rejection(importPeer('pg', () => Promise.reject(broken)))).toBe(broken)
  })
})
