import { PGlite } from '@electric-sql/pglite'
import { drizzle as drizzlePostgresJs } from 'drizzle-orm/postgres-js'
import { type NodePgDatabase, drizzle as drizzlePg } from 'drizzle-orm/node-postgres'
import { drizzle as drizzlePglite } from 'drizzle-orm/pglite'
import { sql as drizzleSql } from 'drizzle-orm'
import { Kysely, PostgresDialect, type PostgresPool, sql as kyselySql } from 'kysely'
import knex from 'knex'
import pg from 'pg'
import pgPromise from 'pg-promise'
import postgres from 'postgres'
import { Sequelize } from 'sequelize'
import { DataSource } from 'typeorm'
import { type Database, migrate, openDatabase } from 'runutil/postgres'
import type { TransactionHandle } from 'runutil/queue'
import { freshDatabase } from '../postgres/databases.ts'

/** What a caller does in its transaction, through its own library. */
interface Writer {
  readonly tx: TransactionHandle
  readonly note: (text: string) => Promise<unknown>
}

/** Runs `body` in a transaction of a library: commits when it resolves, rolls back when it rejects. */
export type Transact = <T>(body: (writer: Writer) => Promise<T>) => Promise<T>

/** An open database with a table `notes`, and every library that can run a transaction on it. */
export interface Transactors {
  readonly database: Database
  readonly by: Readonly<Record<string, Transact>>
  readonly close: () => Promise<void>
}

const EVERYWHERE = ['the driver', 'Database', 'Kysely', 'Drizzle'] as const
const ON_A_SERVER = [
  'Drizzle on postgres.js',
  'postgres.js',
  'knex',
  'TypeORM',
  'a QueryRunner',
  'Sequelize',
  'pg-promise',
  'an object that gives rows',
] as const
const INSERT = 'insert into notes values ($1)'
const TABLE = 'create table notes (text text)'

interface KindOfTransactors {
  readonly name: string
  readonly libraries: readonly string[]
  readonly open: () => Promise<Transactors>
}

export const kindsOfTransactors: readonly KindOfTransactors[] = [
  { name: 'PostgreSQL', libraries: [...EVERYWHERE, ...ON_A_SERVER], open: openOnServer },
  { name: 'PGlite', libraries: EVERYWHERE, open: openOnPglite },
]

async function openOnServer(): Promise<Transactors> {
  const { url, drop } = await freshDatabase()
  const pool = new pg.Pool({ connectionString: url })
  const database = await openDatabase(pool)
  await migrate(database)
  await pool.query(TABLE)
  const libraries = await openLibraries(url)
  const by = {
    ...libraries.by,
    'the driver': withClient(pool),
    Database: withDatabase(database),
    Kysely: withKysely(pool),
    Drizzle: withDrizzle(drizzlePg(pool)),
  }
  const close = async (): Promise<void> => {
    await libraries.close()
    await database.close()
    await pool.end()
    await drop()
  }
  return { database, by, close }
}

async function openOnPglite(): Promise<Transactors> {
  const pglite = await PGlite.create()
  const database = await openDatabase(pglite)
  await migrate(database)
  await pglite.exec(TABLE)
  const by: Transactors['by'] = {
    'the driver': (body) =>
      pglite.transaction((tx) => body({ tx, note: (text) => tx.query(INSERT, [text]) })),
    Database: withDatabase(database),
    Kysely: withKysely(poolOf(pglite)),
    // Of the two drivers' transactions, all that is used here is the same.
    Drizzle: withDrizzle(drizzlePglite(pglite) as unknown as NodePgDatabase),
  }
  return { database, by, close: () => database.close().then(() => pglite.close()) }
}

function withClient(pool: pg.Pool): Transact {
  return async (body) => {
    const tx = await pool.connect()
    try {
      await tx.query('begin')
      const value = await body({ tx, note: (text) => tx.query(INSERT, [text]) })
      await tx.query('commit')
      return value
    } catch (error) {
      await tx.query('rollback')
      throw error
    } finally {
      tx.release()
    }
  }
}

/** Those that have connections of their own. */
async function openLibraries(url: string): Promise<Pick<Transactors, 'by' | 'close'>> {
  const sql = postgres(url, { onnotice: () => {} })
  const knexed = knex({ client: 'pg', connection: url })
  const typeorm = await new DataSource({ type: 'postgres', url }).initialize()
  const sequelize = new Sequelize(url, { logging: false })
  const db = pgPromise()(url)
  const by: Record<(typeof ON_A_SERVER)[number], Transact> = {
    'Drizzle on postgres.js': withDrizzle(drizzlePostgresJs(sql) as unknown as NodePgDatabase),
    'postgres.js': (body) =>
      sql.begin((tx) => body({ tx, note: async (text) => tx.unsafe(INSERT, [text]) })) as never,
    knex: (body) =>
      knexed.transaction((tx) =>
        body({ tx, note: async (text) => void (await tx.raw('insert into notes values (?)', [text])) }),
      ),
    TypeORM: (body) => typeorm.transaction((tx) => body({ tx, note: (text) => tx.query(INSERT, [text]) })),
    'a QueryRunner': withQueryRunner(typeorm),
    Sequelize: (body) =>
      sequelize.transaction((tx) =>
        body({ tx, note: (bind) => sequelize.query(INSERT, { bind: [bind], transaction: tx }) }),
      ),
    'pg-promise': (body) => db.tx((tx) => body({ tx, note: (text) => tx.none(INSERT, [text]) })),
    'an object that gives rows': (body) =>
      typeorm.transaction((manager) => {
        const query = (text: string, params?: unknown[]): Promise<unknown[]> =>
          manager.query<unknown[]>(text, params)
        return body({ tx: { query }, note: (text) => query(INSERT, [text]) })
      }),
  }
  const close = async (): Promise<void> => {
    await Promise.all([sql.end(), knexed.destroy(), typeorm.destroy(), sequelize.close(), db.$pool.end()])
  }
  return { by, close }
}

function withQueryRunner(typeorm: DataSource): Transact {
  return async (body) => {
    const tx = typeorm.createQueryRunner()
    await tx.startTransaction()
    try {
      const value = await body({ tx, note: (text) => tx.query(INSERT, [text]) })
      await tx.commitTransaction()
      return value
    } catch (error) {
      await tx.rollbackTransaction()
      throw error
    } finally {
      await tx.release()
    }
  }
}

function withDatabase(database: Database): Transact {
  return (body) => database.transaction((tx) => body({ tx, note: (text) => tx.query(INSERT, [text]) }))
}

function withKysely(pool: PostgresPool): Transact {
  const kysely = new Kysely({ dialect: new PostgresDialect({ pool }) })
  return (body) =>
    kysely
      .transaction()
      .execute((tx) =>
        body({ tx, note: (text) => kyselySql`insert into notes values (${text})`.execute(tx) }),
      )
}

function withDrizzle(drizzle: NodePgDatabase): Transact {
  return (body) =>
    drizzle.transaction((tx) =>
      body({ tx, note: async (text) => tx.execute(drizzleSql`insert into notes values (${text})`) }),
    )
}

/**
 * PGlite as a pool of one connection, which is what Kysely's dialect asks for. Who has it is alone with PGlite: one
 * that just sends BEGIN would have everybody else's statements in its transaction.
 */
function poolOf(pglite: PGlite): PostgresPool {
  const connect: PostgresPool['connect'] = () =>
    new Promise((resolve, reject) => {
      const held = pglite.transaction(
        (tx) =>
          new Promise<void>((release) => {
            const query = async (text: string, params: readonly unknown[]) => {
              const { rows } = await tx.query(text, [...params])
              return { command: 'SELECT' as const, rowCount: rows.length, rows: rows as never[] }
            }
            resolve({ query: query as never, release })
          }),
      )
      held.catch(reject)
    })
  return { connect, end: async () => {} }
}
