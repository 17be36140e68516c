import { type FileHandle, open, realpath } from 'node:fs/promises'
import { dirname } from 'node:path'
import { rootLogger } from '../core/context.ts'
import { codeOf } from '../core/thrown.ts'
import { lockFile } from '../core/file-lock.ts'
import type { HeldLock } from '../core/held-lock.ts'
import { inWords } from '../core/lock-claim.ts'
import { log } from '../core/log.ts'
import { LedgerInUseError } from './errors.ts'
import { ledgerFileCall } from './ledger-file-call.ts'

/** Read and write for the owner only. */
const FILE_MODE = 0o600
const OPEN_TO_OTHERS = 0o077
/** Error codes of systems that cannot sync folders, and of folders without read permission. */
const NO_FOLDER_SYNC: readonly unknown[] = ['EISDIR', 'EPERM', 'EACCES', 'EINVAL', 'ENOTSUP', 'EBADF']

export interface OpenLedgerFile {
  readonly handle: FileHandle
  readonly lock: HeldLock
}

/**
 * Opens and locks the file of a ledger, creating it if it doesn't exist.
 *
 * @throws LedgerInUseError, LedgerFileError
 */
export async function openLedgerFile(path: string): Promise<OpenLedgerFile> {
  const handle = await ledgerFileCall(path, 'opened', () => openOrCreate(path))
  try {
    await warnIfOpenToOthers(path, handle)
    return { handle, lock: await lock(path) }
  } catch (error) {
    await handle.close()
    throw error
  }
}

/** Syncs the folder, so that a new file survives a crash of the machine too. */
async function openOrCreate(path: string): Promise<FileHandle> {
  let handle: FileHandle
  try {
    handle = await open(path, 'ax+', FILE_MODE)
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error
    return open(path, 'a+', FILE_MODE)
  }
  try {
    await syncFolder(dirname(path))
    return handle
  } catch (error) {
    await handle.close()
    throw error
  }
}

async function syncFolder(path: string): Promise<void> {
  try {
    const folder = await open(path, 'r')
    await folder.sync().finally(() => folder.close())
  } catch (error) {
    if (!NO_FOLDER_SYNC.includes(codeOf(error))) throw error
  }
}

async function warnIfOpenToOthers(path: string, handle: FileHandle): Promise<void> {
  const { mode } = await handle.stat()
  if ((mode & OPEN_TO_OTHERS) === 0 || process.platform === 'win32') return
  const shown = (mode & 0o777).toString(8).padStart(4, '0')
  const message = `ledger ${path} is open to other users of this machine (mode ${shown}); close it: chmod go= ${path}`
  log(rootLogger(), 'warn', {}, message)
}

/** The lock file is next to the ledger file itself, even if the path is a symbolic link. */
async function lock(path: string): Promise<HeldLock> {
  return lockFile({
    path: `${await realpath(path)}.lock`,
    what: `ledger ${path}`,
    inUse: (claim) => new LedgerInUseError(path, claim, inWords(claim)),
  })
}
