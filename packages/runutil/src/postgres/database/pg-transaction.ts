import { StoreUnavailableError } from '../../core/store-unavailable-error.ts'
import type { Transaction } from './database.ts'
import { TransactionRolledBackError } from './errors.ts'
import type { PgConnection } from './pg-connection.ts'
import { statementError } from './pg-errors.ts'
import type { PgQuery, PgResult } from './pg-pool.ts'

/** What neither does work nor waits for anything. */
const BEGIN_LIMIT_MS = 30_000

export interface PgTransactionProps {
  readonly connection: PgConnection
  /** What errors call the server. */
  readonly server: string
  /** For each statement of the body, and the commit. */
  readonly limitMs: number | undefined
}

/** Runs `body` in a transaction. */
export async function runPgTransaction<T>(
  props: PgTransactionProps,
  body: (tx: Transaction) => Promise<T>,
): Promise<T> {
  const tx = new PgTransaction(props)
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
  readonly #props: PgTransactionProps
  #open = true
  #lost: StoreUnavailableError | undefined

  constructor(props: PgTransactionProps) {
    this.#props = props
  }

  query(text: string, params: unknown[] = []): Promise<{ rows: unknown[] }> {
    return this.#inside({ text, values: params })
  }

  async script(text: string): Promise<void> {
    await this.#inside({ text })
  }

  /** Whatever default a database or a role has: what is built on this counts on it. */
  async begin(): Promise<void> {
    const { limitMs = BEGIN_LIMIT_MS } = this.#props
    await this.#send({ text: 'begin isolation level read committed' }, { limitMs })
  }

  async commit(): Promise<void> {
    this.#open = false
    // The body was silent about it. Not sent after it: then nobody would know that nothing has happened.
    if (this.#lost !== undefined) throw this.#lost
    const { command } = await this.#send({ text: 'commit' }, { commits: true })
    if (command === 'ROLLBACK') throw new TransactionRolledBackError()
  }

  async rollback(): Promise<void> {
    this.#open = false
    const { limitMs = BEGIN_LIMIT_MS } = this.#props
    await this.#send({ text: 'rollback' }, { limitMs })
  }

  async #inside(query: PgQuery): Promise<PgResult> {
    if (!this.#open)
      throw new Error('expected a running transaction; it has ended; await each query in its body')
    return this.#send(query)
  }

  /** Nothing stays of a transaction whose connection broke, unless that was when it committed. */
  async #send(
    query: PgQuery,
    {
      commits = false,
      limitMs = this.#props.limitMs,
    }: { commits?: boolean; limitMs?: number | undefined } = {},
  ): Promise<PgResult> {
    try {
      return await this.#props.connection.query(query, limitMs)
    } catch (thrown) {
      const error = statementError(thrown, this.#props.server, commits)
      if (error instanceof StoreUnavailableError) this.#lost ??= error
      throw error
    }
  }
}
