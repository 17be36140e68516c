import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { rootLogger } from '../../core/context.ts'
import { lockFile } from '../../core/file-lock.ts'
import { log } from '../../core/log.ts'
import type { HeldLock } from '../../core/held-lock.ts'
import { inWords } from '../../core/lock-claim.ts'
import { fillFolder, flushLeftovers, hasDatabase, keepFolder, makeFolder } from './database-folder.ts'
import type { Database } from './database.ts'
import { DatabaseFolderError, DatabaseFullError, DatabaseInUseError } from './embedded-errors.ts'
import { importPeer } from '../../core/import-peer.ts'
import { assertUnbundled } from './pglite-bundled.ts'
import { PgliteDatabase } from './pglite-database.ts'
import { PgliteStorage } from './pglite-storage.ts'
import { PgliteUpkeep } from './pglite-upkeep.ts'
import type { Pglite } from './pglite.ts'
import { preparedFolder } from './prepared-folder.ts'

export interface FolderOptions {
  /** Whether commits are flushed to the disk, and so survive a power loss. */
  readonly durable: boolean
}

/** The used part of the package. */
interface PgliteClass {
  new (options: object): unknown
  create(dataDir: string, options: object): Promise<Pglite>
  readonly defaultStartParams: readonly string[]
}

export async function openMemory(): Promise<Database> {
  const PGlite = await pgliteClass()
  const storage = new PgliteStorage({ durable: false, prepared: await preparedFolder() })
  const pglite = await start(PGlite, 'memory://', storage, false)
  return new PgliteDatabase({ pglite, storage, closes: () => end(pglite, storage) })
}

/**
 * Opens the database in a folder, exclusively for this process; creates it if there is none.
 *
 * @throws DatabaseInUseError, DatabaseFolderError, DatabaseFullError
 */
export async function openFolder(folder: string, { durable }: FolderOptions): Promise<Database> {
  const PGlite = await pgliteClass()
  await makeFolder(folder)
  const lock = await lockFolder(folder)
  try {
    return await openLocked(PGlite, { folder, lock, durable })
  } catch (error) {
    await lock.release()
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC') throw new DatabaseFullError(folder, error)
    throw error
  }
}

/** Two processes at once would corrupt it. */
export function lockFolder(folder: string): Promise<HeldLock> {
  return lockFile({
    path: join(folder, 'runutil.lock'),
    what: `database folder ${folder}`,
    inUse: (claim) => new DatabaseInUseError(folder, claim, inWords(claim)),
  })
}

/** @throws MissingPeerError, BundledPeerError */
async function pgliteClass(): Promise<PgliteClass> {
  const module = await importPeer('@electric-sql/pglite', () => import('@electric-sql/pglite'))
  const PGlite = module.PGlite as unknown as PgliteClass
  assertUnbundled(PGlite)
  return PGlite
}

interface LockedFolder extends FolderOptions {
  readonly folder: string
  readonly lock: HeldLock
}

async function openLocked(PGlite: PgliteClass, { folder, lock, durable }: LockedFolder): Promise<Database> {
  const storage = new PgliteStorage({ folder, durable, guard: () => lock.assertHeld() })
  const isNew = !(await hasDatabase(folder))
  const isPrepared = isNew && (await fillFolder(folder, durable))
  await flushLeftovers(folder, durable)
  if (!durable)
    log(
      rootLogger(),
      'warn',
      {},
      `database folder ${folder}: durable=off: a power loss may take acknowledged commits, or corrupt the folder`,
    )
  const pglite = await startIn(folder, storage, () => start(PGlite, folder, storage, durable))
  if (isNew && !isPrepared) await keepFolder(folder, durable)
  storage.started()
  await new PgliteUpkeep(pglite, storage).vacuum()
  const closes = async (): Promise<void> => {
    await end(pglite, storage)
    await lock.release()
  }
  return new PgliteDatabase({ pglite, storage, closes })
}

/** After a failure, the writes of PostgreSQL's shutdown must not happen. */
async function end(pglite: Pglite, storage: PgliteStorage): Promise<void> {
  if (storage.failure === undefined) await pglite.close()
  else storage.abandon()
}

async function startIn(
  folder: string,
  storage: PgliteStorage,
  start: () => Promise<Pglite>,
): Promise<Pglite> {
  const version = await readFile(join(folder, 'PG_VERSION'), 'utf8').catch(() => undefined)
  try {
    return await start()
  } catch (error) {
    if (storage.failure !== undefined) throw storage.failure
    if (version === undefined) throw error
    throw new DatabaseFolderError(folder, whyNot(version.trim(), storage.output, error as Error), error)
  } finally {
    // Nothing else closes the files when it hasn't started.
    if (storage.failure !== undefined) storage.abandon()
  }
}

function start(
  PGlite: PgliteClass,
  dataDir: string,
  storage: PgliteStorage,
  durable: boolean,
): Promise<Pglite> {
  return PGlite.create(dataDir, {
    extensions: { runutil: storage.extension },
    onStderr: storage.onStderr,
    startParams: startParams(PGlite.defaultStartParams, durable),
  })
}

/** PGlite itself starts with `-F`, which turns fsync off; `fsync` is the only wal_sync_method that works in WASM. */
function startParams(defaults: readonly string[], durable: boolean): string[] {
  if (!durable) return [...defaults]
  return [...defaults.filter((param) => param !== '-F'), '-c', 'fsync=on', '-c', 'wal_sync_method=fsync']
}

function whyNot(version: string, output: readonly string[], error: Error): string {
  const own = /not compatible with this version (\d+)/.exec(output.join('\n'))?.[1]
  if (own === undefined) return `PGlite could not open it: ${output.join(' ') || error.message}`
  return (
    `it was made by PostgreSQL ${version}, and the installed @electric-sql/pglite is PostgreSQL ${own}; install the ` +
    `PGlite for ${version}, or migrate the data as docs/embedded-database.md describes`
  )
}
