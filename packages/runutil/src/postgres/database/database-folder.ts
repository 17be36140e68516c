import { chmod, mkdir, open, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { rootLogger } from '../../core/context.ts'
import { log } from '../../core/log.ts'
import { type PreparedFile, type PreparedFolder, preparedFolder } from './prepared-folder.ts'

const FOLDER_MODE = 0o700
const FILE_MODE = 0o600
/** What lets others than the owner in. */
const OPEN = 0o077
/** Only those leave it behind that flush what they write. */
const DURABLE = 'runutil.durable'
/** Modes mean nothing there. */
const isWindows = process.platform === 'win32'

/** Makes the folder if it isn't there, its parents too. One that others may read gets a warning. */
export async function makeFolder(folder: string): Promise<void> {
  if ((await mkdir(folder, { recursive: true, mode: FOLDER_MODE })) !== undefined) return
  // As initdb does with an empty folder.
  if ((await readdir(folder)).length === 0) await chmod(folder, FOLDER_MODE).catch(() => {})
  const { mode } = await stat(folder)
  if ((mode & OPEN) === 0 || isWindows) return
  const shown = (mode & 0o777).toString(8).padStart(4, '0')
  log(
    rootLogger(),
    'warn',
    {},
    `database folder ${folder} is open to other users of this machine (mode ${shown}); close it: chmod -R go= ${folder}`,
  )
}

/** Whether a database is in it already. */
export function hasDatabase(folder: string): Promise<boolean> {
  return isThere(join(folder, 'PG_VERSION'))
}

/**
 * Puts a new database into a folder. One that was killed meanwhile has left no PG_VERSION, and the next begins anew.
 *
 * @param durable whether all of it is on the disk afterwards
 * @returns false where there is none to put there
 */
export async function fillFolder(folder: string, durable: boolean): Promise<boolean> {
  const prepared = await preparedFolder()
  if (prepared === undefined) return false
  await put(folder, prepared, durable)
  return true
}

async function put(folder: string, { folders, files }: PreparedFolder, durable: boolean): Promise<void> {
  const inside = (path: string): string => join(folder, path)
  for (const path of folders) await mkdir(inside(path), { recursive: true, mode: FOLDER_MODE })
  const write = async ({ path, content }: PreparedFile): Promise<void> =>
    writeFile(inside(path), content(), { mode: FILE_MODE, flush: durable })
  await inGroups(files.slice(0, -1), write)
  if (durable) await inGroups(['.', ...folders].map(inside), flush)
  if (durable) await writeFile(inside(DURABLE), '', { mode: FILE_MODE, flush: true })
  await write(files.at(-1)!)
  if (durable) await flush(folder)
}

/** Closes the folder of a database that PGlite has made by itself to others, and has it on the disk. */
export async function keepFolder(folder: string, durable: boolean): Promise<void> {
  for (const { path, isFolder } of await contents(folder))
    await chmod(path, isFolder ? FOLDER_MODE : FILE_MODE)
  if (durable) await flushAll(folder)
}

/**
 * Has on the disk what was there before: of a process that was killed, or of one that didn't flush, by this package or
 * PGlite alone.
 *
 * @param durable whether this process flushes what it writes
 */
export async function flushLeftovers(folder: string, durable: boolean): Promise<void> {
  const mark = join(folder, DURABLE)
  if (!durable) return rm(mark, { force: true })
  const [isMarked, isInUse] = await Promise.all([mark, join(folder, 'postmaster.pid')].map(isThere))
  if (!isMarked || isInUse) await flushAll(folder)
  if (!isMarked) await writeFile(mark, '', { mode: FILE_MODE, flush: true })
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

async function flushAll(folder: string): Promise<void> {
  await inGroups([folder, ...(await contents(folder)).map(({ path }) => path)], flush)
}

/** Windows has no flush of folders, and can't open them. */
async function flush(path: string): Promise<void> {
  if (isWindows && (await stat(path)).isDirectory()) return
  const file = await open(path, isWindows ? 'r+' : 'r')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

/** At once, so that the disk may write them in its own order. */
async function inGroups<T>(all: readonly T[], each: (one: T) => Promise<void>): Promise<void> {
  for (let at = 0; at < all.length; at += 64) await Promise.all(all.slice(at, at + 64).map(each))
}

async function contents(folder: string): Promise<{ path: string; isFolder: boolean }[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile() || entry.isDirectory())
    .map((entry) => ({ path: join(entry.parentPath, entry.name), isFolder: entry.isDirectory() }))
}
