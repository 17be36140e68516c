import { StoreUnavailableError } from '../../core/unavailable.ts'
import type { Database, Statement, Transaction } from './database.ts'
import { DatabaseClosedError } from './errors.ts'
import { Listener } from './listener.ts'
import { connectError, statementError } from './pg-errors.ts'
import type { PgClient, PgPool, PgQuery } from './pg-pool.ts'
import { serverOf } from './pg-server.ts'
import { runPgTransaction } from './pg-transaction.ts'

export interface PgDatabaseProps {
  readonly pool: PgPool
  /** Whether to end the pool on `close`. */
  readonly owned: boolean
  /** False for a pooler in transaction mode: no LISTEN and no named statements, which belong to a connection. */
  readonly session: boolean
}

/** A PostgreSQL server, through a pool of `pg`. */
export class PgDatabase implements Database {
  readonly kind = 'postgres'
  readonly listens: boolean
  readonly #props: PgDatabaseProps
  readonly #server: string
  readonly #listener: Listener
  #closed: Promise<void> | undefined

  constructor(props: PgDatabaseProps) {
    const { pool, session } = props
    this.#props = props
    this.#server = serverOf(pool.options)
    // Listening holds a connection for good; of a pool of one, it would be the only one.
    this.listens = session && pool.options.max !== 1
    this.#listener = new Listener({ connect: () => this.#connect(), server: this.#server })
    // An idle connection that dies is replaced by the pool; without a listener its error would end the process. So
    // would that of one that dies in the moment between the pool's listener and ours: it may come with its first word.
    if (!pool.listeners('error').includes(ignore)) pool.on('error', ignore).on('connect', ignoreErrors)
  }

  async query<Row extends unknown[]>(statement: Statement, params: readonly unknown[] = []): Promise<Row[]> {
    const query: PgQuery = { text: statement.text, values: [...params], rowMode: 'array' }
    if (!this.#props.session || statement.name === undefined) return this.#query<Row>(query)
    try {
      return await this.#query<Row>({ ...query, name: statement.name })
    } catch (error) {
      if (!isStalePlan(error)) throw error
      return this.#query<Row>(query)
    }
  }

  #query<Row extends unknown[]>(query: PgQuery): Promise<Row[]> {
    return this.#withClient(async (client) => {
      try {
        return (await client.query(query)).rows as Row[]
      } catch (error) {
        throw statementError(error, this.#server, true)
      }
    })
  }

  transaction<T>(body: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.#withClient((client) => runPgTransaction(client, this.#server, body))
  }

  listen(channel: string, callback: (payload: string) => void): Promise<() => Promise<void>> {
    return this.listens ? this.#listener.listen(channel, callback) : Promise.resolve(async () => {})
  }

  close(): Promise<void> {
    return (this.#closed ??= this.#close())
  }

  async #close(): Promise<void> {
    await this.#listener.close()
    if (this.#props.owned) await this.#props.pool.end()
  }

  async #withClient<T>(body: (client: PgClient) => Promise<T>): Promise<T> {
    const client = await this.#connect()
    let broken: Error | undefined
    const onLost = (error: Error): void => void (broken = error)
    client.on('error', onLost)
    try {
      return await body(client)
    } catch (error) {
      if (error instanceof StoreUnavailableError || isStalePlan(error)) broken = error as Error
      throw error
    } finally {
      client.removeListener('error', onLost)
      client.release(broken)
    }
  }

  async #connect(): Promise<PgClient> {
    if (this.#closed !== undefined) throw new DatabaseClosedError()
    try {
      return await this.#props.pool.connect()
    } catch (error) {
      throw connectError(error, this.#server)
    }
  }
}

function ignore(): void {}

function ignoreErrors(client: PgClient): void {
  client.on('error', ignore)
}

/**
 * Whether a prepared statement isn't what the server has under its name any more: a table it reads has changed, or
 * somebody else has dropped or made one of that name. The server says so before it runs anything.
 */
function isStalePlan(error: unknown): boolean {
  const { code, routine } = error as { code?: string; routine?: string }
  return code === '26000' || code === '42P05' || (code === '0A000' && routine === 'RevalidateCachedQuery')
}
