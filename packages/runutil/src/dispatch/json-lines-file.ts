import { type FileHandle, open, realpath } from 'node:fs/promises'
import { rootLogger } from '../core/context.ts'
import { toError } from '../core/errors.ts'
import { lockFile } from '../core/file-lock.ts'
import type { HeldLock } from '../core/held-lock.ts'
import { inWords } from '../core/lock-claim.ts'
import { LedgerInUseError } from './errors.ts'

/** Nobody but its owner may read it. */
const FILE_MODE = 0o600
const OPEN_TO_OTHERS = 0o077
/** Lines are read in pieces of so much, or more where one line is longer. */
const PIECE = 2 ** 18

interface Waiting {
  readonly line: string
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/**
 * A file of lines that are appended and never changed. An append resolves when it is on the disk; those that come while
 * one is on its way share the next. After one has failed all do, since nobody knows what the file has then. The file is
 * for one process at a time: `FILE.lock` is its lock.
 */
export class JsonLinesFile {
  readonly #handle: FileHandle
  readonly #lock: HeldLock
  #waiting: Waiting[] = []
  #writing = false
  #failure: Error | undefined

  /** @throws LedgerInUseError */
  static async open(path: string): Promise<JsonLinesFile> {
    const handle = await open(path, 'a+', FILE_MODE)
    try {
      await warnIfOpen(path, handle)
      return new JsonLinesFile(handle, await lock(path))
    } catch (error) {
      await handle.close()
      throw error
    }
  }

  private constructor(handle: FileHandle, lock: HeldLock) {
    this.#handle = handle
    this.#lock = lock
  }

  /** @returns what follows the last line's end */
  async read(onLine: (line: Buffer) => void): Promise<Buffer> {
    let rest: Buffer = Buffer.alloc(0)
    const piece = Buffer.allocUnsafe(PIECE)
    for (let at = 0; ;) {
      const { bytesRead } = await this.#handle.read(piece, 0, PIECE, at)
      if (bytesRead === 0) return rest
      at += bytesRead
      const read = piece.subarray(0, bytesRead)
      // A copy, since the piece is read into again.
      rest = Buffer.from(eachLine(rest.length === 0 ? read : Buffer.concat([rest, read]), onLine))
    }
  }

  /** Cuts off the last so many bytes. */
  async cut(bytes: number): Promise<void> {
    const { size } = await this.#handle.stat()
    await this.#handle.truncate(size - bytes)
    await this.#handle.datasync()
  }

  append(line: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ line, resolve, reject })
      if (!this.#writing) void this.#write()
    })
  }

  async close(): Promise<void> {
    await this.#handle.close()
    await this.#lock.release()
  }

  async #write(): Promise<void> {
    this.#writing = true
    // Those of the same tick go along.
    await Promise.resolve()
    while (this.#waiting.length > 0) {
      const batch = this.#waiting
      this.#waiting = []
      try {
        if (this.#failure !== undefined) throw this.#failure
        this.#lock.assertHeld()
        await this.#handle.appendFile(batch.map(({ line }) => `${line}\n`).join(''))
        await this.#handle.datasync()
        for (const { resolve } of batch) resolve()
      } catch (error) {
        this.#failure ??= toError(error)
        for (const { reject } of batch) reject(error)
      }
    }
    this.#writing = false
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
  rootLogger().warn(
    `ledger ${path} is open to other users of this machine (mode ${shown}); close it: chmod go= ${path}`,
  )
}

function eachLine(text: Buffer, onLine: (line: Buffer) => void): Buffer {
  let start = 0
  for (let end = text.indexOf(10); end !== -1; end = text.indexOf(10, start)) {
    onLine(text.subarray(start, end))
    start = end + 1
  }
  return text.subarray(start)
}
