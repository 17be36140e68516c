import { type FileHandle, open, realpath } from 'node:fs/promises'
import { dirname } from 'node:path'
import { rootLogger } from '../core/context.ts'
import { lockFile } from '../core/file-lock.ts'
import type { HeldLock } from '../core/held-lock.ts'
import { inWords } from '../core/lock-claim.ts'
import { log } from '../core/log.ts'
import { codeOf, toError } from '../core/thrown.ts'
import { LedgerFileError, LedgerInUseError } from './errors.ts'

/** Nobody but its owner may read it. */
const FILE_MODE = 0o600
const OPEN_TO_OTHERS = 0o077
/** Lines are read in pieces of so much. */
const PIECE = 2 ** 18
const LINE_FEED = 10
/** What systems say that know no syncing of folders, or of those that aren't to be read. */
const NO_FOLDER_SYNC: readonly unknown[] = ['EISDIR', 'EPERM', 'EACCES', 'EINVAL', 'ENOTSUP', 'EBADF']

interface Waiting {
  readonly line: string
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/**
 * A file of lines that are appended and never changed. An append resolves when it is on the disk; those that come while
 * one is on its way share the next. After one has failed all do, since nobody knows what the file has then. The file is
 * for one process at a time: `FILE.lock` is its lock.
 *
 * Whatever the system has against it is a LedgerFileError.
 */
export class JsonLinesFile {
  readonly #path: string
  readonly #handle: FileHandle
  readonly #lock: HeldLock
  #waiting: Waiting[] = []
  #writing: Promise<void> | undefined
  #failure: Error | undefined

  /** @throws LedgerInUseError */
  static async open(path: string): Promise<JsonLinesFile> {
    const handle = await asking(path, 'opened', () => openOrMake(path))
    try {
      await warnIfOpen(path, handle)
      return new JsonLinesFile(path, handle, await lock(path))
    } catch (error) {
      await handle.close()
      throw error
    }
  }

  private constructor(path: string, handle: FileHandle, lock: HeldLock) {
    this.#path = path
    this.#handle = handle
    this.#lock = lock
  }

  /** @param onLine gets each without its line feed @returns what follows the last one */
  async read(onLine: (line: Buffer) => void): Promise<Buffer> {
    const piece = Buffer.allocUnsafe(PIECE)
    // Of a line that isn't whole yet; put together once, however long it is.
    let parts: Buffer[] = []
    for (let at = 0; ;) {
      const read = piece.subarray(0, await this.#readAt(piece, at))
      if (read.length === 0) return Buffer.concat(parts)
      at += read.length
      let start = 0
      for (let end = read.indexOf(LINE_FEED); end !== -1; end = read.indexOf(LINE_FEED, start)) {
        const last = read.subarray(start, end)
        onLine(parts.length === 0 ? last : Buffer.concat([...parts, last]))
        parts = []
        start = end + 1
      }
      // A copy, since the piece is read into again.
      if (start < read.length) parts.push(Buffer.from(read.subarray(start)))
    }
  }

  async #readAt(piece: Buffer, at: number): Promise<number> {
    const { bytesRead } = await asking(this.#path, 'read', () => this.#handle.read(piece, 0, PIECE, at))
    return bytesRead
  }

  /** Cuts off the last so many bytes. */
  cut(bytes: number): Promise<void> {
    return asking(this.#path, 'written', async () => {
      const { size } = await this.#handle.stat()
      await this.#handle.truncate(size - bytes)
      await this.#handle.datasync()
    })
  }

  append(line: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ line, resolve, reject })
      this.#writing ??= this.#write()
    })
  }

  /** When all that was appended is on the disk. */
  async close(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing
    await this.#handle.close()
    await this.#lock.release()
  }

  async #write(): Promise<void> {
    // Those of the same tick go along.
    await Promise.resolve()
    while (this.#waiting.length > 0) {
      const batch = this.#waiting
      this.#waiting = []
      try {
        if (this.#failure !== undefined) throw this.#failure
        this.#lock.assertHeld()
        await asking(this.#path, 'written', () => this.#append(batch))
        for (const { resolve } of batch) resolve()
      } catch (error) {
        this.#failure ??= toError(error)
        for (const { reject } of batch) reject(this.#failure)
      }
    }
    this.#writing = undefined
  }

  async #append(batch: readonly Waiting[]): Promise<void> {
    await this.#handle.appendFile(batch.map(({ line }) => `${line}\n`).join(''))
    await this.#handle.datasync()
  }
}

async function asking<T>(
  path: string,
  done: ConstructorParameters<typeof LedgerFileError>[1],
  call: () => Promise<T>,
): Promise<T> {
  try {
    return await call()
  } catch (error) {
    throw new LedgerFileError(path, done, error)
  }
}

/** Of a link to a file, the file is locked. */
async function lock(path: string): Promise<HeldLock> {
  return lockFile({
    path: `${await realpath(path)}.lock`,
    what: `ledger ${path}`,
    inUse: (claim) => new LedgerInUseError(path, claim, inWords(claim)),
  })
}

async function warnIfOpen(path: string, handle: FileHandle): Promise<void> {
  const { mode } = await handle.stat()
  if ((mode & OPEN_TO_OTHERS) === 0 || process.platform === 'win32') return
  const shown = (mode & 0o777).toString(8).padStart(4, '0')
  log(
    rootLogger(),
    'warn',
    {},
    `ledger ${path} is open to other users of this machine (mode ${shown}); close it: chmod go= ${path}`,
  )
}

/** One that is made is there after a crash of the machine as well. */
async function openOrMake(path: string): Promise<FileHandle> {
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
