import { type Frame, OversizedFrameError, type Prefix } from './frame.ts'
import type { PayloadMessage } from './message.ts'
import type { Protocol } from './protocol.ts'

/**
 * Cuts a stream into frames, however it is chunked.
 *
 * Data received in one chunk is a view of that chunk; other data is copied once, above 1 MiB perhaps twice. Allocations never
 * exceed 1 MiB plus twice the bytes received, whatever length a frame announces.
 *
 * @example
 * reader.feed(chunk)
 * for (let frame = reader.next(); frame !== undefined; frame = reader.next()) take(frame)
 */
export class FrameReader {
  readonly protocol: Protocol
  /** Frames with more bytes of data than this are rejected. */
  maxFrame: number
  /** Whether the other end runs this package, and may number its messages. */
  extended = false
  #chunk: Buffer = NOTHING
  #at = 0
  /** The beginning of an incomplete prefix. */
  readonly #scratch: Buffer
  #scratched = 0
  /** The prefix of the frame whose data is incomplete. */
  #prefix: Prefix | undefined
  #data: Buffer = NOTHING
  #filled = 0

  constructor(protocol: Protocol, maxFrame: number) {
    this.protocol = protocol
    this.maxFrame = maxFrame
    this.#scratch = Buffer.allocUnsafe(protocol.longestPrefix)
  }

  /** Whether there are received bytes not yet returned as a frame. */
  get pending(): boolean {
    return this.#at < this.#chunk.length || this.#scratched > 0 || this.#prefix !== undefined
  }

  /** The pending bytes, for error messages. */
  get unread(): Buffer {
    return Buffer.concat([this.#scratch.subarray(0, this.#scratched), this.#chunk.subarray(this.#at)])
  }

  /** The chunk must not change afterwards. */
  feed(chunk: Buffer): void {
    const rest = this.#chunk.length - this.#at
    this.#chunk = rest === 0 ? chunk : Buffer.concat([this.#chunk.subarray(this.#at), chunk])
    this.#at = 0
  }

  /**
   * The next frame; undefined when more bytes are needed for it.
   *
   * @throws CorruptFrameError, OversizedFrameError; after that, the stream can't be read any further
   */
  next(): Frame | undefined {
    if (this.#prefix !== undefined) return this.#continue(this.#prefix)
    if (this.#at === this.#chunk.length) return this.#letGo()
    const from = this.#at
    const pieced = this.#scratched > 0
    const prefix = pieced ? this.#pieced() : this.#whole()
    if (prefix === undefined) return this.#letGo()
    const { flags, id, split, length } = prefix
    if (length > this.maxFrame) {
      const seen = pieced ? this.#scratch.subarray(0, prefix.size) : this.#chunk.subarray(from)
      throw new OversizedFrameError(length, this.maxFrame, seen)
    }
    const end = this.#at + length
    if (end > this.#chunk.length) return this.#begin(prefix)
    const data = this.#chunk.subarray(this.#at, end)
    this.#at = end
    if (end === this.#chunk.length) this.#letGo()
    return { flags, id, split, data }
  }

  /** The next task or answer, if it is all there and as most are; otherwise `next` gives its frames one by one. */
  whole(): PayloadMessage | undefined {
    const { protocol } = this
    if (protocol.whole === undefined || this.#prefix !== undefined || this.#scratched > 0) return undefined
    const message = protocol.whole(this.#chunk, this.#at, this.extended, this.maxFrame)
    if (message === undefined) return undefined
    this.#at +=
      protocol.framesPerMessage * protocol.longestPrefix + message.context.length + message.body.length
    if (this.#at === this.#chunk.length) this.#letGo()
    return message
  }

  /** Releases the last chunk, since a worker may be idle for hours. */
  #letGo(): undefined {
    this.#chunk = NOTHING
    this.#at = 0
  }

  /** The prefix, if it is entirely in this chunk. */
  #whole(): Prefix | undefined {
    const prefix = this.protocol.prefix(this.#chunk, this.#at, this.#chunk.length, this.extended)
    if (prefix !== undefined) this.#at += prefix.size
    else this.#scratched = this.#take(this.#scratch, 0)
    return prefix
  }

  /** The prefix, if it began in an earlier chunk. */
  #pieced(): Prefix | undefined {
    const before = this.#scratched
    const taken = this.#take(this.#scratch, before)
    this.#scratched += taken
    const prefix = this.protocol.prefix(this.#scratch, 0, this.#scratched, this.extended)
    if (prefix === undefined) return undefined
    this.#at += prefix.size - before - taken
    this.#scratched = 0
    return prefix
  }

  #begin(prefix: Prefix): undefined {
    this.#prefix = prefix
    this.#data = Buffer.allocUnsafeSlow(Math.min(prefix.length, FIRST_ALLOCATION))
    this.#filled = this.#take(this.#data, 0)
  }

  #continue(prefix: Prefix): Frame | undefined {
    while (this.#at < this.#chunk.length && this.#filled < prefix.length) {
      if (this.#filled === this.#data.length) this.#grow(prefix.length)
      this.#filled += this.#take(this.#data, this.#filled)
    }
    if (this.#filled < prefix.length) return this.#letGo()
    const data = this.#data
    this.#prefix = undefined
    this.#data = NOTHING
    return { flags: prefix.flags, id: prefix.id, split: prefix.split, data }
  }

  #grow(length: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.min(length, this.#data.length * 2))
    this.#data.copy(larger)
    this.#data = larger
  }

  /** Copies what fits from the chunk into `target`. @returns the number of bytes copied */
  #take(target: Buffer, at: number): number {
    const taken = this.#chunk.copy(target, at, this.#at)
    this.#at += taken
    return taken
  }
}

const NOTHING = Buffer.alloc(0)
const FIRST_ALLOCATION = 1024 * 1024
