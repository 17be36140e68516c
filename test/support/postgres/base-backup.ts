import { chmod, chown, copyFile, mkdir, readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import type { Identity } from './binaries.ts'

/** What a copy makes anew, or must not have: it belongs to the process that runs, or to the server that it runs as. */
const LEFT_OUT = /^(postmaster\.(pid|opts)|postgresql\.auto\.conf)$|^pgsql_tmp|^pg_internal\.init/
/** Folders that are copied without what is in them. The WAL comes from the server itself. */
const EMPTY = /^(pg_wal|pg_replslot|pg_dynshmem|pg_notify|pg_serial|pg_snapshots|pg_stat_tmp|pg_subtrans)$/

export interface BaseBackupProps {
  /** Of the server that is copied. It goes on working meanwhile. */
  readonly url: string
  readonly from: string
  readonly to: string
  /** Who the copy shall belong to. */
  readonly owner: Identity
  /** A replication slot is made under this name, so that the server keeps the WAL that the copy needs. */
  readonly slot: string
}

/** Copies the data folder of a server that runs, as pg_basebackup does, which npm's binaries don't have. */
export async function baseBackup({ url, from, to, owner, slot }: BaseBackupProps): Promise<void> {
  const admin = new pg.Client(url)
  await admin.connect()
  try {
    await admin.query('select pg_create_physical_replication_slot($1, true)', [slot])
    await admin.query('select pg_backup_start($1, true)', [slot])
    await copyFolder(from, to, owner)
    const { rows } = await admin.query<{ labelfile: string }>('select labelfile from pg_backup_stop(false)')
    await writeOwned(join(to, 'backup_label'), rows[0]!.labelfile, owner)
    await writeOwned(join(to, 'standby.signal'), '', owner)
  } finally {
    await admin.end()
  }
}

async function copyFolder(from: string, to: string, owner: Identity, isEmpty = false): Promise<void> {
  await mkdir(to, { mode: 0o700 })
  await own(to, owner)
  for (const entry of await readdir(from, { withFileTypes: true })) {
    if (LEFT_OUT.test(entry.name) || (isEmpty && !entry.isDirectory())) continue
    const source = join(from, entry.name)
    const target = join(to, entry.name)
    if (entry.isDirectory()) {
      if (!isEmpty || entry.name === 'archive_status') {
        await copyFolder(source, target, owner, isEmpty || EMPTY.test(entry.name))
      }
    } else await unlessGone(copyOwned(source, target, owner))
  }
}

async function copyOwned(source: string, target: string, owner: Identity): Promise<void> {
  await copyFile(source, target)
  await chmod(target, (await stat(source)).mode)
  await own(target, owner)
}

async function writeOwned(path: string, text: string, owner: Identity): Promise<void> {
  await writeFile(path, text)
  await own(path, owner)
}

async function own(path: string, { uid, gid }: Identity): Promise<void> {
  if (uid !== undefined) await chown(path, uid, gid!)
}

/** The server removes and renames files of its own while they are copied: the WAL says so. */
async function unlessGone(copying: Promise<void>): Promise<void> {
  await copying.catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
  })
}
