/** Reads up to this size are copied: what a caller keeps of one then holds no larger buffer. */
const WORTH_OWNING = 48 * 1024
const LARGEST = 256 * 1024

/** Where all small reads go; each is copied before the next one. */
const scratch = Buffer.allocUnsafeSlow(64 * 1024)

/** What small copies share, so that one that is kept holds 8 KiB at most; from Node 24 on, Node's own pool has 64 KiB. */
const SLAB = 8 * 1024
let slab = Buffer.allocUnsafeSlow(SLAB)
let used = 0

function copyOf(bytes: Uint8Array): Buffer {
  const { length } = bytes
  if (length > SLAB / 4) {
    const copy = Buffer.allocUnsafeSlow(length)
    copy.set(bytes)
    return copy
  }
  if (used + length > SLAB) {
    slab = Buffer.allocUnsafeSlow(SLAB)
    used = 0
  }
  const copy = slab.subarray(used, used + length)
  copy.set(bytes)
  used += length
  return copy
}

/**
 * The buffers to read into: one for all small reads, and one for each large read, as large as the last reads suggest. One that were
 * always large would be freed and allocated by the system again and again, page by page.
 */
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
    if (length <= WORTH_OWNING || buffer !== own) return copyOf(buffer.subarray(0, length))
    this.#own = undefined
    return own.subarray(0, length)
  }
}
