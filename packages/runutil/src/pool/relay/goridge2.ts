import { type Bytes, type Encoded, lengthOf, messageOf, put } from './encoding.ts'
import { CorruptFrameError, Flag, type Prefix } from './frame.ts'
import type { PayloadMessage } from './message.ts'

/**
 * Goridge 2, a `Protocol`: flags, the length as 64 bits little-endian and once more as 64 bits big-endian, which must
 * agree. `goridge2-legacy`, from before June 2018, has no second length.
 */
export class Goridge2 {
  readonly name: 'goridge2' | 'goridge2-legacy'
  readonly framesPerMessage = 2
  readonly longestPrefix: 9 | 17
  readonly longestData = Number.MAX_SAFE_INTEGER
  readonly pong = undefined
  readonly streamStop = undefined

  constructor(name: 'goridge2' | 'goridge2-legacy') {
    this.name = name
    this.longestPrefix = name === 'goridge2' ? 17 : 9
  }

  prefix(bytes: Buffer, from: number, end: number, extended = false): Prefix | undefined {
    const size = this.longestPrefix
    const first = bytes[from]!
    // Text always has one of these bits set, so that other output is detected by its first byte.
    if (from < end && (first & ~ANY_FLAG) !== 0 && !(extended && (first & NUMBERED) !== 0)) {
      this.#refuse('flags', bytes, from, end)
    }
    const flags = first & ANY_FLAG
    if (end - from < size) return undefined
    const low = bytes.readUInt32LE(from + 1)
    const high = bytes.readUInt32LE(from + 5)
    if (size === 17 && (bytes.readUInt32BE(from + 13) !== low || bytes.readUInt32BE(from + 9) !== high)) {
      this.#refuse('the same length twice', bytes, from, end)
    }
    const length = (flags & Flag.empty) !== 0 ? 0 : high * 2 ** 32 + low
    return { flags, size, length, split: undefined, id: first >> ID_SHIFT }
  }

  whole(bytes: Buffer, from: number, extended: boolean, maxFrame: number): PayloadMessage | undefined {
    const size = this.longestPrefix
    if (from + 2 * size > bytes.length) return undefined
    const first = bytes[from]!
    const id = first >> ID_SHIFT
    if (id !== 0 && !(extended && first >= NUMBERED)) return undefined
    const flags = first & ANY_FLAG
    if (flags !== FULL_CONTEXT && flags !== NO_CONTEXT) return undefined
    const contextLength = this.#shortLength(bytes, from)
    if (contextLength > maxFrame || (flags === NO_CONTEXT && contextLength > 0)) return undefined
    const second = from + size + contextLength
    if (second + size > bytes.length || (bytes[second]! & ~Flag.raw) !== 0) return undefined
    const bodyLength = this.#shortLength(bytes, second)
    const end = second + size + bodyLength
    if (bodyLength > maxFrame || end > bytes.length) return undefined
    const context = contextLength === 0 ? NOTHING : bytes.subarray(from + size, second)
    const body = bodyLength === 0 ? NOTHING : bytes.subarray(second + size, end)
    return { kind: 'payload', id, context, body, more: false, ping: false }
  }

  /** The length in the prefix; Infinity for one of 4 GiB or more, or one that isn't the same twice. */
  #shortLength(bytes: Buffer, at: number): number {
    const length = bytes.readUInt32LE(at + 1)
    if (bytes.readUInt32LE(at + 5) !== 0) return Infinity
    if (this.longestPrefix === 9) return length
    return bytes.readUInt32BE(at + 13) === length && bytes.readUInt32BE(at + 9) === 0 ? length : Infinity
  }

  #refuse(what: string, bytes: Buffer, from: number, end: number): never {
    throw new CorruptFrameError(`a ${this.name} frame (${what})`, bytes.subarray(from, end))
  }

  task(context: Bytes, body: Bytes): Encoded {
    return this.#pair(Flag.control | Flag.raw, context, 0, body)
  }

  answer(context: Bytes, body: Bytes): Encoded {
    const flags = context.length === 0 ? Flag.control | Flag.empty : Flag.control | Flag.raw
    return this.#pair(flags, context, Flag.raw, body)
  }

  control(json: string): Encoded {
    return this.#single(Flag.control, json)
  }

  error(message: string): Encoded {
    return this.#single(Flag.control | Flag.raw | Flag.error, message)
  }

  idOf(nth: number): number {
    return (NUMBERED >> ID_SHIFT) | (nth % 4)
  }

  setId({ head }: Encoded, id: number): void {
    head[0] = (head[0]! & ANY_FLAG) | (id << ID_SHIFT)
  }

  #pair(contextFlags: number, context: Bytes, bodyFlags: number, body: Bytes): Encoded {
    const size = this.longestPrefix
    const contextLength = lengthOf(context)
    const bodyLength = lengthOf(body)
    const message = messageOf(size + contextLength + size, body, bodyLength)
    putPrefix(message.head, 0, size, contextFlags, contextLength)
    if (contextLength > 0) put(message.head, size, context)
    putPrefix(message.head, size + contextLength, size, bodyFlags, bodyLength)
    return message
  }

  #single(flags: number, data: string): Encoded {
    const length = lengthOf(data)
    const message = messageOf(this.longestPrefix, data, length)
    putPrefix(message.head, 0, this.longestPrefix, flags, length)
    return message
  }
}

const NOTHING = Buffer.alloc(0)
const FULL_CONTEXT = Flag.control | Flag.raw
const NO_CONTEXT = Flag.control | Flag.empty
/** Bit 1 has no meaning, but is not forbidden. */
const ANY_FLAG = 31
/** Set when two bits that no version of goridge 2 uses hold a number; never set in ASCII text. */
const NUMBERED = 128
const ID_SHIFT = 5

function putPrefix(into: Buffer, at: number, size: 9 | 17, flags: number, length: number): void {
  const high = Math.floor(length / 2 ** 32)
  const low = length - high * 2 ** 32
  into[at] = flags
  into.writeUInt32LE(low, at + 1)
  into.writeUInt32LE(high, at + 5)
  if (size === 9) return
  into.writeUInt32BE(high, at + 9)
  into.writeUInt32BE(low, at + 13)
}
