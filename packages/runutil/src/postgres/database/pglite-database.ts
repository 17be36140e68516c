import type { Database, Statement, Transaction } from './database.ts'
import { DatabaseClosedError, TransactionRolledBackError } from './errors.ts'
import { serializersOf } from './late-param.ts'
import { ListenerSet } from './listener-set.ts'
import type { PgliteStorage } from './pglite-storage.ts'
import { PgliteUpkeep } from './pglite-upkeep.ts'
import type { Pglite, PgliteTransaction } from './pglite.ts'
import { quotedName } from './quoted-name.ts'

export interface PgliteDatabaseProps {
  readonly pglite: Pglite
  /** Its files; undefined for the caller's own PGlite. */
  readonly storage?: PgliteStorage | undefined
  /** Undefined for the caller's own PGlite. */
  readonly closes?: (() => Promise<void>) | undefined
}

/** A PGlite: PostgreSQL in this process. It has one connection, and runs one statement or transaction at a time. */
export class PgliteDatabase implements Database {
  readonly kind = 'pglite'
  readonly listens = true
  readonly #props: PgliteDatabaseProps
  readonly #listeners = new ListenerSet()
  readonly #offNotification: () => void
  readonly #upkeep: PgliteUpkeep | undefined
  #closed: Promise<void> | undefined

  constructor(props: PgliteDatabaseProps) {
    this.#props = props
    const { pglite, storage } = props
    this.#upkeep = storage && new PgliteUpkeep(pglite, storage)
    this.#offNotification = pglite.onNotification((channel, payload) =>
      this.#listeners.call(channel, payload),
    )
  }

  async query<Row extends unknown[]>(statement: Statement, params: readonly unknown[] = []): Promise<Row[]> {
    const { rows } = await this.#run((pglite) =>
      pglite.query(statement.text, [...params], { rowMode: 'array', ...serializersOf(params) }),
    )
    return rows as Row[]
  }

  async transaction<T>(body: (tx: Transaction) => Promise<T>): Promise<T> {
    let resolved = false
    try {
      return await this.#run((pglite) =>
        pglite.transaction(async (tx) => {
          const value = await body(transactionOn(tx, this.#props.storage))
          resolved = true
          return value
        }),
      )
    } catch (error) {
      if (resolved && (error as { code?: string }).code === ABORTED)
        throw new TransactionRolledBackError(error)
      throw error
    }
  }

  /** PGlite's own `listen` takes a quoted channel, but cannot remove it again. */
  async listen(channel: string, callback: (payload: string) => void): Promise<() => Promise<void>> {
    const name = quotedName(channel, 'listen')
    const pglite = this.#open()
    const off = this.#listeners.add(channel, callback)
    try {
      await this.#run(() => pglite.exec(/* sql */ `listen ${name}`))
    } catch (error) {
      off()
      throw error
    }
    return async () => {
      off()
      if (!this.#listeners.has(channel) && this.#isUsable()) await pglite.exec(/* sql */ `unlisten ${name}`)
    }
  }

  close(): Promise<void> {
    return (this.#closed ??= this.#close())
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    this.#offNotification()
    this.#listeners.clear()
    await this.#upkeep?.settled()
    await this.#props.closes?.()
  }

  async #run<T>(use: (pglite: Pglite) => Promise<T>): Promise<T> {
    const { storage } = this.#props
    const pglite = this.#open()
    try {
      return await use(pglite)
    } catch (error) {
      throw storage?.errorOf(error) ?? error
    } finally {
      this.#upkeep?.afterUse()
    }
  }

  #isUsable(): boolean {
    return (
      !this.#props.pglite.closed && this.#closed === undefined && this.#props.storage?.failure === undefined
    )
  }

  #open(): Pglite {
    const { pglite, storage } = this.#props
    if (this.#closed !== undefined || pglite.closed) throw new DatabaseClosedError(storage?.failure)
    storage?.assertUsable()
    return pglite
  }
}

/** The error of COMMIT after a failed statement. */
const ABORTED = '25P02'

function transactionOn(tx: PgliteTransaction, storage: PgliteStorage | undefined): Transaction {
  const run = async <T>(running: Promise<T>): Promise<T> => {
    try {
      return await running
    } catch (error) {
      throw storage?.errorOf(error) ?? error
    }
  }
  return {
    query: (text, params) => run(tx.query(text, params)),
    script: (text) => run(tx.exec(text)).then(() => {}),
  }
}
