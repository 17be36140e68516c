import { DATA_FOLDER, type PgliteModule } from './pglite-module.ts'

/** Then a checkpoint is due. PGlite makes none until it is closed, and keeps the whole log since the last one. */
const MAX_BYTES = 64 * 2 ** 20

/** Counts what PostgreSQL writes into its log, in memory too. */
export class PgliteWal {
  #bytes = 0

  get isCheckpointDue(): boolean {
    return this.#bytes >= MAX_BYTES
  }

  checkpointed(): void {
    this.#bytes = 0
  }

  /** Counts from now on. */
  attach({ FS }: PgliteModule): void {
    const write = FS.write.bind(FS)
    FS.write = (...args) => {
      const written = write(...args)
      if (args[0].path.startsWith(`${DATA_FOLDER}/pg_wal/`)) this.#bytes += written
      return written
    }
  }
}
