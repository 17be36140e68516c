import { brandError } from '../../core/brand.ts'

/** The flags of a frame; the first five bits are those of goridge 2. */
export const Flag = {
  /** No data follows, whatever the length field contains. */
  empty: 2,
  /** The data is bytes, not JSON. */
  raw: 4,
  error: 8,
  control: 16,
  /** More frames of the same answer follow (goridge 3). */
  more: 32,
  /** The sender of a stream asks whether it is still being read (goridge 3). */
  ping: 64,
} as const

/** The header before a frame's data. */
export interface Prefix {
  readonly flags: number
  /** How many bytes the prefix itself has. */
  readonly size: number
  /** How many bytes of data follow. May exceed the exact range of a number; such a frame is rejected anyway. */
  readonly length: number
  /** How much of the data is context, where a frame holds both (goridge 3). */
  readonly split: number | undefined
  /** Which task it belongs to; 0 where the sender doesn't number them. */
  readonly id: number
}

export interface Frame {
  readonly flags: number
  readonly id: number
  readonly split: number | undefined
  /** A view of its chunk, if the data arrived in one chunk. */
  readonly data: Buffer
}

/** The received bytes are not a frame: other output on stdout, another protocol, or a faulty worker. */
export class CorruptFrameError extends Error {
  readonly code: string = 'ERR_CORRUPT_FRAME'
  static {
    brandError(this, 'CorruptFrameError')
  }

  /** @param bytes from where the frame should have begun */
  constructor(expected: string, bytes: Uint8Array) {
    super(`expected ${expected}; got ${excerpt(bytes)}`)
  }
}

/** A frame announces more than `maxFrame`. */
export class OversizedFrameError extends CorruptFrameError {
  override readonly code = 'ERR_OVERSIZED_FRAME'
  static {
    brandError(this, 'OversizedFrameError')
  }

  constructor(length: number, maxFrame: number, bytes: Uint8Array) {
    super(`a frame of at most ${maxFrame} bytes (maxFrame), not of ${length}`, bytes)
  }
}

/** The first bytes, as text and hex. */
function excerpt(bytes: Uint8Array): string {
  const first = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 64))
  const hex = first.subarray(0, 32).toString('hex')
  return `${JSON.stringify(first.toString())} (hex ${hex}${bytes.length > 32 ? '…' : ''})`
}
