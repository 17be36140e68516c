/** Reads up to this size are copied: what a caller keeps of one then holds no larger buffer. */
const WORTH_OWNING = 48 * 1024
const LARGEST = 256 * 1024

/** Where small reads of all sockets go; each is copied before the next one. */
const scratch = Buffer.allocUnsafeSlow(64 * 1024)

/** The buffers that a socket reads into: one for all small reads, and one for each large read, as large as the last ones suggest. */
export class ReadBuffer {
  #expected = 0
  #own: Buffer | undefined

  /** The buffer for the next read. */
  next(): Buffer {
    if (this.#own !== undefined) return this.#own
    if (this.#expected <= WORTH_OWNING) return scratch
    return (this.#own = Buffer.allocUnsafeSlow(this.#expected))
  }

  /** The chunk that a read of `length` bytes into `buffer` was; it doesn't change afterwards. */
  chunk(length: number, buffer: Uint8Array): Buffer {
    const wanted = length === buffer.length ? 2 * length : Math.ceil(1.25 * length)
    this.#expected = Math.min(wanted, LARGEST)
    const own = this.#own
    if (length <= WORTH_OWNING || buffer !== own) return Buffer.from(buffer.subarray(0, length))
    this.#own = undefined
    return own.subarray(0, length)
  }
}
