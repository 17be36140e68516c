import type { Database, Statement, Transaction } from './database.ts'
import { DatabaseClosedError, TransactionRolledBackError } from './errors.ts'
import { ListenerSet } from './listener-set.ts'
import type { Pglite, PgliteTransaction } from './pglite.ts'
import { quotedName } from './quoted-name.ts'

export interface PgliteDatabaseProps {
  readonly pglite: Pglite
  /** Undefined for one that was handed in. */
  readonly closes?: (() => Promise<void>) | undefined
}

/** A PGlite: PostgreSQL in this process. It has one connection, and lets one statement or transaction in at a time. */
export class PgliteDatabase implements Database {
  readonly kind = 'pglite'
  readonly listens = true
  readonly #props: PgliteDatabaseProps
  readonly #listeners = new ListenerSet()
  readonly #offNotification: () => void
  #closed: Promise<void> | undefined

  constructor(props: PgliteDatabaseProps) {
    this.#props = props
    this.#offNotification = props.pglite.onNotification((channel, payload) =>
      this.#listeners.call(channel, payload),
    )
  }

  async query<Row extends unknown[]>(statement: Statement, params: readonly unknown[] = []): Promise<Row[]> {
    const { rows } = await this.#open().query(statement.text, [...params], { rowMode: 'array' })
    return rows as Row[]
  }

  async transaction<T>(body: (tx: Transaction) => Promise<T>): Promise<T> {
    let resolved = false
    try {
      return await this.#open().transaction(async (tx) => {
        const value = await body(transactionOn(tx))
        resolved = true
        return value
      })
    } catch (error) {
      if (resolved && (error as { code?: string }).code === ABORTED)
        throw new TransactionRolledBackError(error)
      throw error
    }
  }

  /** PGlite's own takes a quoted channel, but can't take it off again. */
  async listen(channel: string, callback: (payload: string) => void): Promise<() => Promise<void>> {
    const name = quotedName(channel, 'listen')
    const pglite = this.#open()
    const off = this.#listeners.add(channel, callback)
    try {
      await pglite.exec(/* sql */ `listen ${name}`)
    } catch (error) {
      off()
      throw error
    }
    return async () => {
      off()
      if (!this.#listeners.has(channel) && !pglite.closed) await pglite.exec(/* sql */ `unlisten ${name}`)
    }
  }

  close(): Promise<void> {
    return (this.#closed ??= this.#close())
  }

  async #close(): Promise<void> {
    this.#offNotification()
    this.#listeners.clear()
    await this.#props.closes?.()
  }

  #open(): Pglite {
    const { pglite } = this.#props
    if (this.#closed !== undefined || pglite.closed) throw new DatabaseClosedError()
    return pglite
  }
}

/** What COMMIT ends with after a statement has failed. */
const ABORTED = '25P02'

function transactionOn(tx: PgliteTransaction): Transaction {
  return {
    query: (text, params) => tx.query(text, params),
    async script(text) {
      await tx.exec(text)
    },
  }
}
