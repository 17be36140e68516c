import { systemClock } from '../../core/clock-system.ts'
import { macrotask } from '../../core/event-loop.ts'
import { StoreUnavailableError } from '../../core/store-unavailable-error.ts'
import { within } from '../../core/within.ts'
import type { Database, QueryOptions, Statement, StatementOptions, Transaction } from './database.ts'
import { DatabaseClosedError } from './errors.ts'
import { Listener } from './listener.ts'
import type { PgConnection } from './pg-connection.ts'
import { PgConnections } from './pg-connections.ts'
import { breaksConnection, statementError } from './pg-errors.ts'
import type { PgPool, PgQuery } from './pg-pool.ts'
import { serverOf } from './pg-server.ts'
import { runPgTransaction } from './pg-transaction.ts'
import { PoolClients } from './pool-clients.ts'

export interface PgDatabaseProps {
  readonly pool: PgPool
  /** Whether to end the pool on `close`. */
  readonly owned: boolean
  /** False for a pooler in transaction mode: no LISTEN and no named statements, which belong to a session. */
  readonly session: boolean
  /** How long to wait for a free connection. */
  readonly acquireMs: number
}

/** On `close`, running statements have this long to end. */
const CLOSE_MS = 5_000

/** A PostgreSQL server, through a pool of `pg` and up to three connections besides it. */
export class PgDatabase implements Database {
  readonly kind = 'postgres'
  readonly listens: boolean
  readonly maxConnections: number | undefined
  readonly #props: PgDatabaseProps
  readonly #server: string
  readonly #connections: PgConnections
  readonly #pooled: PoolClients | undefined
  readonly #listener: Listener
  #closed: Promise<void> | undefined

  constructor(props: PgDatabaseProps) {
    const { pool, session, owned, acquireMs } = props
    this.#props = props
    const server = (this.#server = serverOf(pool.options))
    const connections = (this.#connections = new PgConnections({ pool, server, acquireMs }))
    this.#pooled = owned ? new PoolClients(pool) : undefined
    this.maxConnections = pool.options.max
    // LISTEN holds a connection indefinitely; in a pool of one, that would be the only one.
    this.listens = session && pool.options.max !== 1
    this.#listener = new Listener({ connect: () => this.#open(() => connections.takePermanently()), server })
  }

  async query<Row extends unknown[]>(
    statement: Statement,
    params: readonly unknown[] = [],
    options: StatementOptions = {},
  ): Promise<Row[]> {
    const { name, text } = statement
    const values = [...params]
    const unnamed: PgQuery = { text, values, rowMode: 'array' }
    if (!this.#props.session || name === undefined) return this.#query<Row>(unnamed, options)
    try {
      return await this.#query<Row>({ name, text, values, rowMode: 'array' }, options)
    } catch (error) {
      if (!isStalePlan(error)) throw error
      return this.#query<Row>(unnamed, options)
    }
  }

  #query<Row extends unknown[]>(query: PgQuery, { reserved, limitMs }: StatementOptions): Promise<Row[]> {
    const run = async (connection: PgConnection): Promise<Row[]> => {
      try {
        return (await connection.query(query, limitMs)).rows as Row[]
      } catch (error) {
        throw statementError(error, this.#server, true)
      }
    }
    return this.#withConnection(reserved, run)
  }

  transaction<T>(body: (tx: Transaction) => Promise<T>, { limitMs }: QueryOptions = {}): Promise<T> {
    return this.#withConnection(undefined, (connection) =>
      runPgTransaction({ connection, server: this.#server, limitMs }, body),
    )
  }

  listen(channel: string, callback: (payload: string) => void): Promise<() => Promise<void>> {
    return this.listens ? this.#listener.listen(channel, callback) : Promise.resolve(async () => {})
  }

  close(): Promise<void> {
    return (this.#closed ??= this.#close())
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    const { pool, owned } = this.#props
    const own = this.#listener.close().then(() => this.#connections.close())
    // Statements of earlier calls are sent first.
    const ended = Promise.all([own, macrotask().then(() => (owned ? pool.end() : undefined))])
    const inTime = await within(ended, CLOSE_MS, systemClock)
    const error = new DatabaseClosedError()
    this.#connections.destroyAll(error)
    if (!inTime) this.#pooled?.destroyAll(error)
  }

  async #withConnection<T>(
    reserved: StatementOptions['reserved'],
    body: (connection: PgConnection) => Promise<T>,
  ): Promise<T> {
    const connections = this.#connections
    const connection = await this.#open(() =>
      reserved === undefined ? connections.take() : connections.takeReserved(reserved),
    )
    let broken: Error | undefined
    try {
      return await body(connection)
    } catch (error) {
      const isLost = error instanceof StoreUnavailableError || isStalePlan(error)
      if (isLost || breaksConnection(error)) broken = error as Error
      throw error
    } finally {
      connection.release(broken)
    }
  }

  async #open(take: () => Promise<PgConnection>): Promise<PgConnection> {
    if (this.#closed !== undefined) throw new DatabaseClosedError()
    return take()
  }
}

/**
 * Whether the server's prepared statement of that name isn't the same any more: a table that it reads has changed, or
 * another has dropped or prepared one of that name. The server reports this before it runs anything.
 */
function isStalePlan(error: unknown): boolean {
  const { code, routine } = error as { code?: string; routine?: string }
  return code === '26000' || code === '42P05' || (code === '0A000' && routine === 'RevalidateCachedQuery')
}
