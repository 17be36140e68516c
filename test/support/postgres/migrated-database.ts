import pg from 'pg'
import { type Database, PostgresJobStore, migrate, openDatabase } from 'runutil/postgres'
import { JobQueue } from 'runutil/queue'
import { freshDatabase } from './databases.ts'

/**
 * When a database is made: `beforeAll` or `beforeEach` of vitest. It is closed after all tests of the file or `describe`, or after each,
 * and after their own hooks.
 */
type Before = (make: () => Promise<() => Promise<void>>) => void

/** A database with all tables of runutil, and a queue in it. All is undefined until the hook has run. */
class MigratedDatabase {
  database!: Database
  store!: PostgresJobStore
  queue!: JobQueue
}

class ServerDatabase extends MigratedDatabase {
  url!: string
  /** A connection besides those of `database`. */
  client!: pg.Client
}

/** A new one on the server that the whole run shares; it is dropped when it is closed. */
export function serverDatabase(before: Before): Readonly<ServerDatabase> {
  const made = new ServerDatabase()
  before(async () => {
    const { url, drop } = await freshDatabase()
    made.url = url
    await prepare(made, await openDatabase(url))
    made.client = new pg.Client(url)
    await made.client.connect()
    return async () => {
      await made.client.end()
      await made.database.close()
      await drop()
    }
  })
  return made
}

/** In memory: one connection. */
export function embeddedDatabase(before: Before): Readonly<MigratedDatabase> {
  return migratedDatabase(before, () => openDatabase('memory:'))
}

/** One that `open` opens, as those of `kindsOfDatabase` do. */
export function migratedDatabase(before: Before, open: () => Promise<Database>): Readonly<MigratedDatabase> {
  const made = new MigratedDatabase()
  before(async () => {
    await prepare(made, await open())
    return () => made.database.close()
  })
  return made
}

async function prepare(made: MigratedDatabase, database: Database): Promise<void> {
  made.database = database
  await migrate(database)
  made.store = new PostgresJobStore(database)
  made.queue = new JobQueue(made.store)
}
