import type { Clock } from '../../core/clock.ts'
import { toError } from '../../core/thrown.ts'
import { destroyClient } from './pg-connection.ts'
import type { NewPgClient, PgPool } from './pg-pool.ts'

export interface OwnClientsProps {
  readonly pool: PgPool
  readonly clock: Clock
  readonly connectMs: number
}

/** Connections besides a pool, opened with its options: handlers that use up the pool don't use up these. */
export class OwnClients {
  readonly #props: OwnClientsProps
  readonly #all = new Set<NewPgClient>()

  constructor(props: OwnClientsProps) {
    this.#props = props
  }

  /** Not besides a pool of one, a pool that has ended, or one of another driver than `pg`. */
  get isSupported(): boolean {
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
    // Listeners may set the role or the search_path of each connection.
    pool.emit('connect', client)
    return client
  }

  /** Resolves when all have ended; their users end them. */
  async ended(): Promise<void> {
    await Promise.all(
      Array.from(this.#all, (client) => new Promise((resolve) => client.on('end', () => resolve(undefined)))),
    )
  }

  /** Closes the rest, whatever runs on them. */
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
