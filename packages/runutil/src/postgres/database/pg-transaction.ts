import { StoreUnavailableError } from '../../core/unavailable.ts'
import type { Transaction } from './database.ts'
import { TransactionRolledBackError } from './errors.ts'
import { statementError } from './pg-errors.ts'
import type { PgClient, PgResult } from './pg-pool.ts'

/** Runs `body` in a transaction on `client`. @param server what errors call the server */
export async function runPgTransaction<T>(
  client: PgClient,
  server: string,
  body: (tx: Transaction) => Promise<T>,
): Promise<T> {
  const tx = new PgTransaction(client, server)
  await tx.begin()
  let value: T
  try {
    value = await body(tx)
  } catch (error) {
    // Why it rolls back matters more than that it can't, when the connection is gone.
    await tx.rollback().catch(() => {})
    throw error
  }
  await tx.commit()
  return value
}

class PgTransaction implements Transaction {
  readonly #client: PgClient
  readonly #server: string
  #open = true
  #lost: StoreUnavailableError | undefined

  constructor(client: PgClient, server: string) {
    this.#client = client
    this.#server = server
  }

  query(text: string, params: unknown[] = []): Promise<{ rows: unknown[] }> {
    return this.#inside({ text, values: params })
  }

  async script(text: string): Promise<void> {
    await this.#inside({ text })
  }

  /** Whatever default a database or a role has: what is built on this counts on it. */
  async begin(): Promise<void> {
    await this.#inside({ text: 'begin isolation level read committed' })
  }

  async commit(): Promise<void> {
    this.#open = false
    // The body was silent about it. Not sent after it: then nobody would know that nothing has happened.
    if (this.#lost !== undefined) throw this.#lost
    const { command } = await this.#send({ text: 'commit' }, true)
    if (command === 'ROLLBACK') throw new TransactionRolledBackError()
  }

  async rollback(): Promise<void> {
    this.#open = false
    await this.#send({ text: 'rollback' }, false)
  }

  async #inside(query: { text: string; values?: unknown[] }): Promise<PgResult> {
    if (!this.#open)
      throw new Error('expected a running transaction; it has ended; await each query in its body')
    return this.#send(query, false)
  }

  /** Nothing stays of a transaction whose connection broke, unless that was when it committed. */
  async #send(query: { text: string; values?: unknown[] }, commits: boolean): Promise<PgResult> {
    try {
      return await this.#client.query(query)
    } catch (thrown) {
      const error = statementError(thrown, this.#server, commits)
      if (error instanceof StoreUnavailableError) this.#lost ??= error
      throw error
    }
  }
}
