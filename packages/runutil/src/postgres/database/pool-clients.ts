import { destroyClient } from './pg-connection.ts'
import type { PgClient, PgPool } from './pg-pool.ts'

/** The connections of a pool that haven't ended, including those that it has asked to end and that didn't answer. */
export class PoolClients {
  readonly #all = new Set<PgClient>()

  constructor(pool: PgPool) {
    pool.on('connect', (client) => {
      this.#all.add(client)
      client.on('end', () => this.#all.delete(client))
    })
  }

  destroyAll(error: Error): void {
    for (const client of this.#all) destroyClient(client, error)
  }
}
