import { PGlite } from '@electric-sql/pglite'
import { drizzle } from 'drizzle-orm/node-postgres'
import { drizzle as drizzlePostgresJs } from 'drizzle-orm/postgres-js'
import knex, { type Knex } from 'knex'
import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import pgPromise, { type IDatabase } from 'pg-promise'
import postgres from 'postgres'
import { InvalidArgumentError } from 'runutil'
import { type Database, PostgresJobStore, migrate, openDatabase } from 'runutil/postgres'
import { type LeasedJob, JobQueue, MemoryJobStore, type TransactionHandle } from 'runutil/queue'
import { Sequelize, type Transaction } from 'sequelize'
import { DataSource, EntitySchema } from 'typeorm'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { failureOf } from '../support/outcome.ts'
import { type FreshDatabase, freshDatabase } from '../support/postgres/databases.ts'

const Note = new EntitySchema<{ text: string }>({
  name: 'note',
  columns: { text: { type: 'text', primary: true } },
})

let fresh: FreshDatabase
let database: Database
let pool: pg.Pool
let client: pg.PoolClient
let sql: postgres.Sql
let knexed: Knex
let typeorm: DataSource
let sequelize: Sequelize
let db: IDatabase<object>
beforeAll(async () => {
  fresh = await freshDatabase()
  const { url } = fresh
  database = await openDatabase(url)
  await migrate(database)
  pool = new pg.Pool({ connectionString: url })
  client = await pool.connect()
  sql = postgres(url)
  knexed = knex({ client: 'pg', connection: url })
  typeorm = await new DataSource({ type: 'postgres', url, entities: [Note] }).initialize()
  sequelize = new Sequelize(url, { logging: false })
  db = pgPromise({ noWarnings: true })(url)
})
afterAll(async () => {
  await Promise.all([sql.end(), knexed.destroy(), typeorm.destroy(), sequelize.close(), db.$pool.end()])
  client.release()
  await Promise.all([database.close(), pool.end()])
  await fresh.drop()
})
const failed: (() => PromiseLike<unknown>)[] = []
afterEach(async () => {
  await client.query('rollback')
  for (const rollBack of failed.splice(0)) await rollBack()
})

/** Given outside of a transaction: by its name, what it is, and what the error says. */
const REFUSED: [string, () => unknown, RegExp][] = [
  ['an empty object', () => ({}), /got an object .*pass a transaction of pg, PGlite, Kysely/],
  ['a string', () => 'tx', /got "tx"/],
  ['null', () => null, /got null/],
  ['a pg.Pool', () => pool, /a pg.Pool, which.*pass a client of it/],
  ['a pg client before begin', () => client, /a client of pg outside of a transaction; pass it after/],
  [
    'a pg client of an older version before begin',
    () => ({ query: (text: string, params: unknown[]) => client.query(text, params) }),
    /which is outside of a transaction/,
  ],
  [
    'a pg client whose transaction has failed',
    async () => {
      await client.query('begin')
      await client.query('nonsense').catch(() => {})
      return client
    },
    /whose transaction has failed/,
  ],
  [
    'a pg client of an older version whose transaction has failed',
    async () => {
      await client.query('begin')
      await client.query('nonsense').catch(() => {})
      return { query: (text: string, params: unknown[]) => client.query(text, params) }
    },
    /whose transaction has failed/,
  ],
  [
    'a trx of knex whose transaction has failed',
    async () => {
      const trx = await knexed.transaction()
      await trx.raw('nonsense').catch(() => {})
      failed.push(() => trx.rollback())
      return trx
    },
    /whose transaction has failed/,
  ],
  [
    'a transaction of Sequelize that has failed',
    async () => {
      const t: Transaction = await sequelize.transaction()
      await sequelize.query('nonsense', { transaction: t }).catch(() => {})
      failed.push(() => t.rollback())
      return t
    },
    /whose transaction has failed/,
  ],
  [
    "TypeORM's QueryRunner whose transaction has failed",
    async () => {
      const runner = typeorm.createQueryRunner()
      await runner.startTransaction()
      await runner.query('nonsense').catch(() => {})
      failed.push(() => runner.rollbackTransaction().finally(() => runner.release()))
      return runner
    },
    /whose transaction has failed/,
  ],
  [
    'a pg client that has ended',
    async () => {
      const ended = new pg.Client(fresh.url)
      await ended.connect()
      await ended.end()
      return ended
    },
    /a client of pg that has ended/,
  ],
  ['a Drizzle on a pool', () => drizzle(pool), /a Drizzle database outside of a transaction; pass the tx of/],
  [
    'a Drizzle on a client before begin',
    () => drizzle(client),
    /a Drizzle database outside of a transaction/,
  ],
  ['a Drizzle on postgres.js', () => drizzlePostgresJs(sql), /a Drizzle database outside of a transaction/],
  [
    'a Kysely',
    () => new Kysely({ dialect: new PostgresDialect({ pool }) }),
    /a Kysely outside of a transaction; pass the trx/,
  ],
  ['postgres.js', () => sql, /the sql of postgres.js itself; pass the sql of sql.begin/],
  ['knex', () => knexed, /a knex outside of a transaction; pass the trx of knex.transaction/],
  [
    'a trx of knex that has ended',
    async () => {
      const trx = await knexed.transaction()
      await trx.commit()
      return trx
    },
    /a transaction of knex that has ended/,
  ],
  ["TypeORM's DataSource", () => typeorm, /TypeORM's DataSource; pass the manager of dataSource.transaction/],
  [
    "TypeORM's EntityManager",
    () => typeorm.manager,
    /TypeORM's EntityManager.*outside of a transaction; pass the manager/,
  ],
  [
    "TypeORM's Repository",
    () => typeorm.getRepository(Note),
    /or a Repository of it, outside of a transaction/,
  ],
  [
    "TypeORM's QueryRunner",
    () => typeorm.createQueryRunner(),
    /TypeORM's QueryRunner outside of a transaction; pass it after startTransaction/,
  ],
  [
    "TypeORM's manager of a transaction that has ended",
    () => typeorm.transaction(async (manager) => manager),
    /(TypeORM that has ended|outside of a transaction)/,
  ],
  ['Sequelize', () => sequelize, /Sequelize itself; pass the t of sequelize.transaction/],
  [
    'a transaction of Sequelize that has ended',
    async () => {
      const t: Transaction = await sequelize.transaction()
      await t.commit()
      return t
    },
    /a transaction of Sequelize that has ended/,
  ],
  ["pg-promise's db", () => db, /pg-promise's db.*pass the t of db.tx/],
  ['a task of pg-promise', () => db.task(async (t) => t), /a task outside of a transaction/],
  [
    'Prisma',
    () => ({ $queryRawUnsafe: vi.fn(), $executeRawUnsafe: vi.fn() }),
    /a client of Prisma.*pass a pg client/,
  ],
  [
    "MikroORM's EntityManager",
    () => ({ getTransactionContext: vi.fn() }),
    /pass em.getTransactionContext\(\)/,
  ],
  ["runutil's Database", () => database, /runutil's Database itself; pass the tx of database.transaction/],
]

describe('what is outside of a transaction is refused with its name and what to pass, and nothing is stored:', () => {
  it.each(REFUSED)('%s, by enqueue and by complete', async (name, make, message) => {
    const queue = new JobQueue(new PostgresJobStore(database))
    await queue.enqueue({ id: `held ${name}`, kind: name })
    const [held] = await queue.store.claim([name.toLowerCase()], 1, '1m')
    const tx = (await make()) as TransactionHandle
    for (const call of [
      () => queue.enqueue({ id: name, kind: 'a' }, { tx }),
      () => queue.complete(held!, 1, { tx }),
    ]) {
      const error = await failureOf(call())
      expect(error).toBeInstanceOf(InvalidArgumentError)
      expect(error.message).toMatch(/^tx: expected an open transaction; got /)
      expect(error.message).toMatch(message)
    }
    expect(await queue.get(name)).toBeUndefined()
    expect(await queue.get(`held ${name}`)).toMatchObject({ status: 'PENDING' })
  })

  it('PGlite itself, but not where a transaction was begun on it', async () => {
    const pglite = await PGlite.create()
    const embedded = await openDatabase(pglite)
    await migrate(embedded)
    const queue = new JobQueue(new PostgresJobStore(embedded))
    const enqueued = (): Promise<unknown> => queue.enqueue({ id: '1', kind: 'a' }, { tx: pglite })
    expect(await failureOf(enqueued())).toBeInstanceOf(InvalidArgumentError)
    expect(await queue.get('1')).toBeUndefined()
    await pglite.exec('begin')
    await enqueued()
    await pglite.exec('commit')
    expect(await queue.get('1')).toMatchObject({ status: 'PENDING' })
    const gone = await pglite.transaction(async (tx) => tx)
    const late = await failureOf(queue.enqueue({ id: '2', kind: 'a' }, { tx: gone }))
    expect(late.message).toMatch(/a transaction of PGlite that has ended/)
    await pglite.close()
  })

  it('an object whose query gives no rows, where what it did is undone', async () => {
    const queue = new JobQueue(new PostgresJobStore(database))
    await client.query('begin')
    const query = async (text: string, params: unknown[]): Promise<void> =>
      void (await client.query(text, params))
    const error = await failureOf(queue.enqueue({ id: 'unread', kind: 'a' }, { tx: { query } as never }))
    expect(error.message).toMatch(/whose query returns undefined; pass one that returns rows or \{ rows \}/)
    await client.query('commit')
    expect(await queue.get('unread')).toBeUndefined()
  })
})

it('a client whose begin nobody awaited is in a transaction all the same', async () => {
  const queue = new JobQueue(new PostgresJobStore(database))
  void client.query('begin')
  await queue.enqueue({ id: 'eager', kind: 'a' }, { tx: client })
  expect(await queue.get('eager')).toBeUndefined()
  await client.query('commit')
  expect(await queue.get('eager')).toMatchObject({ status: 'PENDING' })
})

it('a transaction of pg costs one statement, no more', async () => {
  const queue = new JobQueue(new PostgresJobStore(database))
  await client.query('begin')
  const query = vi.spyOn(client, 'query')
  await queue.enqueue({ id: 'once', kind: 'a' }, { tx: client })
  expect(query).toHaveBeenCalledTimes(1)
  query.mockRestore()
})

describe('no transaction is taken', () => {
  it.each([{}, { TX: {} }])('by complete: %j', async (options) => {
    const store = new MemoryJobStore()
    const queue = new JobQueue(store)
    await queue.enqueue({ id: '1', kind: 'a' })
    const [job] = (await store.claim(['a'], 1, '1m')) as [LeasedJob]

    expect(await failureOf(queue.complete(job, 1, options as never))).toBeInstanceOf(InvalidArgumentError)
    expect(await queue.get('1')).toMatchObject({ status: 'PENDING' })
  })

  it('when jobs are kept in memory', async () => {
    const queue = new JobQueue(new MemoryJobStore())
    const enqueued = queue.enqueue({ id: '1', kind: 'a' }, { tx: { query: vi.fn() } })

    expect(await failureOf(enqueued)).toMatchObject({ code: 'ERR_INVALID_ARGUMENT' })
    expect(await queue.get('1')).toBeUndefined()
  })
})
