import { chmod, mkdir, open, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { rootLogger } from '../../core/context.ts'
import { log } from '../../core/log.ts'
import { type PreparedFile, type PreparedFolder, preparedFolder } from './prepared-folder.ts'

const FOLDER_MODE = 0o700
const FILE_MODE = 0o600
/** The permissions of group and others. */
const OPEN = 0o077
/** Exists while every process so far has flushed what it wrote. */
const DURABLE = 'runutil.durable'
/** File modes mean nothing there. */
const isWindows = process.platform === 'win32'

/** Makes the folder and its parents unless they exist. Warns when others can read it. */
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
    `database folder ${folder} is accessible to other users of this machine (mode ${shown}); restrict it: chmod -R go= ${folder}`,
  )
}

/** Whether it has a database already. */
export function hasDatabase(folder: string): Promise<boolean> {
  return isThere(join(folder, 'PG_VERSION'))
}

/**
 * Writes a new database into a folder. A process that is killed meanwhile leaves no PG_VERSION; the next one starts over.
 *
 * @param durable whether to flush it to the disk
 * @returns false where this package has none
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

/** Restricts a folder that PGlite itself has made to its owner, and flushes it. */
export async function keepFolder(folder: string, durable: boolean): Promise<void> {
  for (const { path, isFolder } of await contents(folder))
    await chmod(path, isFolder ? FOLDER_MODE : FILE_MODE)
  if (durable) await flushAll(folder)
}

/**
 * Flushes what earlier processes have left: one that was killed, or one that didn't flush, with this package or PGlite
 * alone.
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

/** Windows can't open or flush folders. */
async function flush(path: string): Promise<void> {
  if (isWindows && (await stat(path)).isDirectory()) return
  const file = await open(path, isWindows ? 'r+' : 'r')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Concurrently, so that the disk may choose the order. */
async function inGroups<T>(all: readonly T[], each: (one: T) => Promise<void>): Promise<void> {
  for (let at = 0; at < all.length; at += 64) await Promise.all(all.slice(at, at + 64).map(each))
}

async function contents(folder: string): Promise<{ path: string; isFolder: boolean }[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile() || entry.isDirectory())
    .map((entry) => ({ path: join(entry.parentPath, entry.name), isFolder: entry.isDirectory() }))
}
