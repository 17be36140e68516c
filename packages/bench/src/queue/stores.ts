import pg from 'pg'
import { ask } from '../../../../test/support/postgres/ask.ts'
import { createDatabase, dropDatabase } from '../../../../test/support/postgres/create-database.ts'
import { PostgresServer } from '../../../../test/support/postgres/server.ts'
import { CONTENDERS, type ContenderName } from './contenders.ts'
import type { Programs } from './program.ts'
import { RedisServer } from './redis-server.ts'
import type { Store } from './store.ts'

export interface StoreOptions {
  /** Whether it is for measuring how soon an enqueued job starts. */
  readonly wakes?: boolean
  /** Whether jobs that nobody has run are left in it. */
  readonly leavesJobs?: boolean
  /** Whether each job has a unique key. */
  readonly unique?: boolean
}

/** One server for all, durable as PostgreSQL is by default. */
export class Stores {
  readonly #programs: Programs
  readonly #postgres: PostgresServer
  readonly #redis: RedisServer | undefined

  static async start(programs: Programs): Promise<Stores> {
    return new Stores(programs, await PostgresServer.start(), await RedisServer.startIfFound())
  }

  private constructor(programs: Programs, postgres: PostgresServer, redis: RedisServer | undefined) {
    this.#programs = programs
    this.#postgres = postgres
    this.#redis = redis
  }

  has(contender: ContenderName): boolean {
    const { store, node } = CONTENDERS[contender]
    const major = Number(/\d+/.exec(this.#programs.version)![0])
    return major >= node && (store === 'postgres' || this.#redis !== undefined)
  }

  /** An empty one. */
  async make(contender: ContenderName): Promise<Store> {
    if (CONTENDERS[contender].store === 'redis') return this.#redis!.emptied()
    return postgresStore(await createDatabase(this.#postgres.url))
  }

  /** Makes the contender's tables, or only sees to the options when they are there. */
  async setUp(
    contender: ContenderName,
    { url }: Store,
    { wakes = false, unique = false }: StoreOptions,
  ): Promise<void> {
    await this.#programs.run('setup', contender, { url, wakes, unique })
  }

  async stop(): Promise<void> {
    await this.#redis?.stop()
    await this.#postgres.stop()
  }
}

function postgresStore(url: string): Store {
  let holder: pg.Client | undefined
  return {
    url,
    settle: async (how = 'analyze') => {
      await ask(url, how)
      await ask(url, 'checkpoint')
    },
    holdTransaction: async () => {
      holder = new pg.Client(url)
      await holder.connect()
      await holder.query('begin isolation level repeatable read')
      await holder.query('select count(*) from pg_class')
    },
    remove: async () => {
      await holder?.end()
      await dropDatabase(url)
    },
  }
}
