import type { Clock } from '../../core/clock.ts'
import { toError } from '../../core/thrown.ts'
import { destroyClient } from './pg-connection.ts'
import type { NewPgClient, PgPool } from './pg-pool.ts'

export interface OwnClientsProps {
  readonly pool: PgPool
  readonly clock: Clock
  readonly connectMs: number
}

/** Connections beside a pool, made as it makes its own: handlers that take all of the pool don't take these. */
export class OwnClients {
  readonly #props: OwnClientsProps
  readonly #all = new Set<NewPgClient>()

  constructor(props: OwnClientsProps) {
    this.#props = props
  }

  /** Not beside a pool of one, whose owner wants one connection, one that was ended, nor of a driver that isn't `pg`. */
  get areMade(): boolean {
    const { Client, options, ending } = this.#props.pool
    return Client !== undefined && options.max !== 1 && ending !== true
  }

  /** @throws the driver's error */
  async make(): Promise<NewPgClient> {
    const { pool } = this.#props
    const client = new pool.Client!(pool.options)
    this.#all.add(client)
    client.on('end', () => this.#all.delete(client))
    try {
      await this.#connected(client)
      await pool.options.onConnect?.(client as never)
    } catch (error) {
      this.#all.delete(client)
      destroyClient(client, toError(error))
      throw error
    }
    // Whoever listens for it sets the role or the search_path of each connection.
    pool.emit('connect', client)
    return client
  }

  /** Resolves when none is left; they are ended by who has them. */
  async ended(): Promise<void> {
    await Promise.all(
      Array.from(this.#all, (client) => new Promise((resolve) => client.on('end', () => resolve(undefined)))),
    )
  }

  /** Ends those that are left, whatever runs on them. */
  destroyAll(error: Error): void {
    for (const client of this.#all) destroyClient(client, error)
  }

  #connected(client: NewPgClient): Promise<unknown> {
    const { clock, connectMs } = this.#props
    const timer = clock.setTimeout(() => destroyClient(client, new Error('timeout expired')), connectMs)
    client.on('error', ignore)
    return client.connect().finally(() => timer.clear())
  }
}

function ignore(): void {}
