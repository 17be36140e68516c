import { CallBatcher } from '../core/call-batcher.ts'
import { toError } from '../core/thrown.ts'
import { ledgerFileCall } from './ledger-file-call.ts'
import { type OpenLedgerFile, openLedgerFile } from './open-ledger-file.ts'

/** Bytes per read. */
const PIECE = 2 ** 18
const LINE_FEED = 10

/**
 * A file of lines that are appended and never changed. An append resolves when its line is on disk; appends made during a write
 * share the next one. After one write has failed, all later appends fail too, since the contents of the file are unknown then.
 * One process may open the file at a time: `FILE.lock` is its lock.
 *
 * File system errors are thrown as LedgerFileError.
 */
export class JsonLinesFile {
  readonly #path: string
  readonly #file: OpenLedgerFile
  readonly #appends = new CallBatcher<string, void>((lines) => this.#append(lines))
  #failure: Error | undefined

  /** @throws LedgerInUseError */
  static async open(path: string): Promise<JsonLinesFile> {
    return new JsonLinesFile(path, await openLedgerFile(path))
  }

  private constructor(path: string, file: OpenLedgerFile) {
    this.#path = path
    this.#file = file
  }

  /** @param onLine called with each line, without its line feed @returns the bytes after the last line feed */
  async read(onLine: (line: Buffer) => void): Promise<Buffer> {
    const piece = Buffer.allocUnsafe(PIECE)
    // The pieces of an incomplete line; joined only once, however long it is.
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
      // A copy, since the buffer is reused.
      if (start < read.length) parts.push(Buffer.from(read.subarray(start)))
    }
  }

  async #readAt(piece: Buffer, at: number): Promise<number> {
    const read = () => this.#file.handle.read(piece, 0, PIECE, at)
    return (await ledgerFileCall(this.#path, 'read', read)).bytesRead
  }

  /** Truncates the file by this many bytes. */
  cut(bytes: number): Promise<void> {
    const { handle } = this.#file
    return ledgerFileCall(this.#path, 'written', async () => {
      const { size } = await handle.stat()
      await handle.truncate(size - bytes)
      await handle.datasync()
    })
  }

  append(line: string): Promise<void> {
    return this.#appends.call(line, line.length)
  }

  /** Closes the file once all appends are on disk or have failed. */
  async close(): Promise<void> {
    await this.#appends.idle()
    await this.#file.handle.close()
    await this.#file.lock.release()
  }

  async #append(lines: readonly string[]): Promise<void> {
    try {
      if (this.#failure !== undefined) throw this.#failure
      this.#file.lock.assertHeld()
      await ledgerFileCall(this.#path, 'written', () => this.#write(lines))
    } catch (error) {
      this.#failure ??= toError(error)
      throw this.#failure
    }
  }

  async #write(lines: readonly string[]): Promise<void> {
    await this.#file.handle.appendFile(lines.map((line) => `${line}\n`).join(''))
    await this.#file.handle.datasync()
  }
}
