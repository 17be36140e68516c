import { destroyClient } from './pg-connection.ts'
import type { NewPgClient, PgPool, PgPoolOptions } from './pg-pool.ts'

/**
 * The connections of a pool that haven't ended, including those that it has asked to end and that didn't answer, and those that it
 * is still opening, which the pool itself would wait for until its timeout.
 */
export class PoolClients {
  readonly #all = new Set<NewPgClient>()

  /** @param pool one of ours: from now on, it makes its clients through this */
  constructor(pool: PgPool) {
    const { Client } = pool
    const all = this.#all
    if (Client === undefined) return
    pool.Client = class extends Client {
      constructor(options: PgPoolOptions) {
        super(options)
        all.add(this)
        this.on('end', () => all.delete(this))
      }
    }
  }

  destroyAll(error: Error): void {
    for (const client of this.#all) destroyClient(client, error)
  }
}
