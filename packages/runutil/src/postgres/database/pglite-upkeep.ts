import { rootLogger } from '../../core/context.ts'
import { logWarning } from '../../core/log.ts'
import { toError } from '../../core/thrown.ts'
import type { PgliteStorage } from './pglite-storage.ts'
import type { Pglite } from './pglite.ts'
import { EQ } from './qualified.ts'

/** Of tables and what they keep apart: oid, name, its TOAST's oid, its pages when it was last vacuumed, and now. */
const TABLES = /* sql */ `
  select oid, pg_catalog.concat(relnamespace::pg_catalog.regnamespace, '.', pg_catalog.quote_ident(relname)), reltoastrelid,
    relpages, pg_catalog.pg_relation_size(oid) operator(pg_catalog./) 8192
  from pg_catalog.pg_class where relkind ${EQ} any ('{r,m,t}')`

type Table = [oid: number, name: string, toast: number, pages: number, pagesNow: number]

/** 1 MiB. */
const MIN_PAGES = 128
const GROWN = 1.2
/** Of a table that was dropped meanwhile. */
const UNKNOWN_TABLE = '42P01'

/**
 * What a server does in the background and PGlite doesn't: it cuts the log, and vacuums tables that have grown by a
 * fifth. What they hold needn't be dead rows, but dead rows make a table grow until it is vacuumed.
 */
export class PgliteUpkeep {
  readonly #pglite: Pglite
  readonly #storage: PgliteStorage
  #running: Promise<void> | undefined

  constructor(pglite: Pglite, storage: PgliteStorage) {
    this.#pglite = pglite
    this.#storage = storage
  }

  /** Resolves when nothing of it runs. */
  async settled(): Promise<void> {
    await this.#running
  }

  /** To be called after whatever may have written. What is due is done behind those who wait already. */
  afterUse(): void {
    if (this.#storage.isCheckpointDue)
      this.#running ??= this.#run().finally(() => (this.#running = undefined))
  }

  async vacuum(): Promise<void> {
    // One by one: others may use the database between them.
    for (const name of await this.#grown()) await this.#exec(/* sql */ `vacuum (analyze, parallel 0) ${name}`)
  }

  async #run(): Promise<void> {
    await this.#exec('checkpoint')
    this.#storage.checkpointed()
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

  /** What has failed is tried again when it is due the next time; a storage that has stopped says so to whoever uses it. */
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
