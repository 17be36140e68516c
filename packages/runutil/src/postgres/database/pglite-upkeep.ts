import { rootLogger } from '../../core/context.ts'
import { logWarning } from '../../core/log.ts'
import { toError } from '../../core/thrown.ts'
import type { PgliteStorage } from './pglite-storage.ts'
import type { Pglite } from './pglite.ts'
import { EQ } from './qualified.ts'

/** Tables, materialized views and TOAST tables: oid, name, oid of its TOAST table, pages at its last vacuum, pages now. */
const TABLES = /* sql */ `
  select oid, pg_catalog.concat(relnamespace::pg_catalog.regnamespace, '.', pg_catalog.quote_ident(relname)), reltoastrelid,
    relpages, pg_catalog.pg_relation_size(oid) operator(pg_catalog./) 8192
  from pg_catalog.pg_class where relkind ${EQ} any ('{r,m,t}')`

type Table = [oid: number, name: string, toast: number, pages: number, pagesNow: number]

/** 1 MiB. */
const MIN_PAGES = 128
const GROWN = 1.2
/** The table was dropped meanwhile. */
const UNKNOWN_TABLE = '42P01'

/**
 * The maintenance that a server does in the background and PGlite doesn't: checkpoints, which truncate the log, and VACUUM
 * of tables that have grown by a fifth. The growth need not be dead rows, but dead rows make a table grow until it is vacuumed.
 */
export class PgliteUpkeep {
  readonly #pglite: Pglite
  readonly #storage: PgliteStorage
  #running: Promise<void> | undefined

  constructor(pglite: Pglite, storage: PgliteStorage) {
    this.#pglite = pglite
    this.#storage = storage
  }

  /** Resolves when no maintenance is running. */
  async settled(): Promise<void> {
    await this.#running
  }

  /** To be called after every statement that may have written. Maintenance queues behind calls that wait already. */
  afterUse(): void {
    if (this.#storage.wal.isCheckpointDue)
      this.#running ??= this.#run().finally(() => (this.#running = undefined))
  }

  async vacuum(): Promise<void> {
    // One by one, so that others can use the database in between.
    for (const name of await this.#grown()) await this.#exec(/* sql */ `vacuum (analyze, parallel 0) ${name}`)
  }

  async #run(): Promise<void> {
    await this.#exec('checkpoint')
    this.#storage.wal.checkpointed()
    await this.vacuum()
  }

  async #grown(): Promise<string[]> {
    if (this.#storage.failure !== undefined) return []
    const { rows } = await this.#pglite.query(TABLES, [], { rowMode: 'array' })
    const grown = (rows as Table[]).filter(([, , , pages, now]) => now > MIN_PAGES + pages * GROWN)
    const oids = new Set(grown.map(([oid]) => oid))
    return (rows as Table[])
      .filter(([oid, , toast]) => oids.has(oid) || oids.has(toast))
      .map(([, name]) => name)
  }

  /** A failure is logged, and retried when it is due again. A storage that has stopped reports that to its callers itself. */
  async #exec(text: string): Promise<void> {
    if (this.#storage.failure !== undefined) return
    try {
      await this.#pglite.exec(text)
    } catch (thrown) {
      const error = toError(this.#storage.errorOf(thrown))
      if (this.#storage.failure === undefined && (error as { code?: string }).code !== UNKNOWN_TABLE)
        logWarning(rootLogger(), error, `the embedded database could not ${text}`)
    }
  }
}
