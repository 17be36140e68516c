import { crc32 } from './crc32.ts'
import { CorruptFrameError, Flag, type Prefix } from './frame.ts'
import { type Bytes, type Encoded, lengthOf, messageOf, put } from './encoding.ts'

/**
 * Goridge 3, a `Protocol`: 12 bytes, of which the first 6 have a checksum, and up to 10 options of 32 bits. A task or an answer is
 * one frame; its only option is the length of the context within the data.
 */
export class Goridge3 {
  readonly name = 'goridge3'
  readonly framesPerMessage = 1
  readonly longestPrefix = 52
  readonly longestData = 2 ** 32 - 1
  readonly pong = streamControl(PONG)
  readonly streamStop = streamControl(STOP)

  prefix(bytes: Buffer, from: number, end: number): Prefix | undefined {
    const words = bytes[from]! & 15
    if (from < end && (bytes[from]! >> 4 !== VERSION || words < 3 || words > 13)) {
      refuse('version and header length', bytes, from, end)
    }
    if (end - from < 12) return undefined
    if (bytes.readUInt32LE(from + 6) !== crc32(bytes, from, from + 6)) refuse('checksum', bytes, from, end)
    if (end - from < words * 4) return undefined
    return {
      flags: flagsOf(bytes[from + 1]!, bytes[from + 10]!),
      id: bytes[from + 11]!,
      size: words * 4,
      length: bytes.readUInt32LE(from + 2),
      split: words === 4 ? bytes.readUInt32LE(from + 12) : undefined,
    }
  }

  task(context: Bytes, body: Bytes): Encoded {
    return message(RAW, context, body)
  }

  answer(context: Bytes, body: Bytes): Encoded {
    return message(0, context, body)
  }

  control(json: string): Encoded {
    return single(CONTROL | JSON_DATA, json)
  }

  error(text: string): Encoded {
    return single(ERROR, text)
  }

  idOf(nth: number): number {
    return 1 + (nth % 255)
  }

  /** The last byte of the header has no meaning, and isn't part of the checksum. */
  setId({ head }: Encoded, id: number): void {
    head[11] = id
  }
}

const VERSION = 1
const CONTROL = 0x01
/** As in goridge 2. */
const RAW = Flag.raw
const JSON_DATA = 0x08
const ERROR = 0x40
/** A flag in the tenth byte. */
const STREAM = 0x01
const STOP = 0x02
const PING = 0x04
const PONG = 0x08

function flagsOf(flags: number, stream: number): number {
  const main = (flags & CONTROL ? Flag.control : 0) | (flags & ERROR ? Flag.error : 0) | (flags & RAW)
  return main | (stream & STREAM ? Flag.more : 0) | (stream & PING ? Flag.ping : 0)
}

function streamControl(bit: number): Encoded {
  const message = single(0, '')
  message.head[10] = bit
  return message
}

function refuse(what: string, bytes: Buffer, from: number, end: number): never {
  throw new CorruptFrameError(`a goridge3 frame (${what})`, bytes.subarray(from, end))
}

function message(flags: number, context: Bytes, body: Bytes): Encoded {
  const contextLength = lengthOf(context)
  const bodyLength = lengthOf(body)
  const encoded = messageOf(16 + contextLength, body, bodyLength)
  putHeader(encoded.head, 4, flags, contextLength + bodyLength)
  encoded.head.writeUInt32LE(contextLength, 12)
  if (contextLength > 0) put(encoded.head, 16, context)
  return encoded
}

function single(flags: number, data: string): Encoded {
  const length = lengthOf(data)
  const encoded = messageOf(12, data, length)
  putHeader(encoded.head, 3, flags, length)
  return encoded
}

function putHeader(into: Buffer, words: number, flags: number, length: number): void {
  into[0] = (VERSION << 4) | words
  into[1] = flags
  into.writeUInt32LE(length, 2)
  into.writeUInt32LE(crc32(into, 0, 6), 6)
  into[10] = 0
  into[11] = 0
}
