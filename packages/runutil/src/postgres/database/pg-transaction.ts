import { StoreUnavailableError } from '../../core/store-unavailable-error.ts'
import type { Transaction } from './database.ts'
import { TransactionRolledBackError } from './errors.ts'
import type { PgConnection } from './pg-connection.ts'
import { statementError } from './pg-errors.ts'
import type { PgQuery, PgResult } from './pg-pool.ts'

/** For statements that neither work nor wait. */
const BEGIN_LIMIT_MS = 30_000

export interface PgTransactionProps {
  readonly connection: PgConnection
  /** The server's name in errors. */
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
    // The reason of the rollback matters more than a rollback that fails because the connection is gone.
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

  /** With an explicit isolation level: a database or a role may have another default. */
  async begin(): Promise<void> {
    const { limitMs = BEGIN_LIMIT_MS } = this.#props
    await this.#send({ text: 'begin isolation level read committed' }, { limitMs })
  }

  async commit(): Promise<void> {
    this.#open = false
    // The body swallowed the error. A commit now would leave it unclear that nothing was stored.
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
    if (!this.#open) throw new Error('the transaction has ended; await each query in its body')
    return this.#send(query)
  }

  /** A transaction whose connection broke has no effect, unless it broke during the commit. */
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
