import type { Prefix } from './frame.ts'

export type ProtocolName = 'goridge2' | 'goridge2-legacy' | 'goridge3'

/** Text is sent as UTF-8. */
export type Bytes = Uint8Array | string

/** A message ready to be sent in one write, of one piece or two. */
export interface Encoded {
  /** All of it, or all but a body too large to be worth copying. */
  readonly head: Buffer
  readonly body: Uint8Array | undefined
}

/**
 * How frames look on the relay. A protocol only translates: it keeps nothing, and decides nothing on what it read.
 *
 * A message is a task (parent to child), an answer (child to parent), a control message with JSON (the handshake's
 * pid and stop) or an error.
 */
export interface Protocol {
  readonly name: ProtocolName
  /** 2: a control frame with the context, then one with the body. 1: both in one frame with a `split`. */
  readonly framesPerMessage: 1 | 2
  /** More bytes than this never belong to one prefix. */
  readonly longestPrefix: number
  /** What the field for the length can hold. */
  readonly longestData: number
  /**
   * The prefix that begins at `from`; undefined when it goes on beyond `end`. Refuses as soon as it can tell.
   *
   * @param extended whether the sender may number its messages
   * @throws CorruptFrameError
   */
  prefix(bytes: Buffer, from: number, end: number, extended?: boolean): Prefix | undefined
  task(context: Bytes, body: Bytes): Encoded
  answer(context: Bytes, body: Bytes): Encoded
  control(json: string): Encoded
  error(message: string): Encoded
  /** What a stream's sender that asks with `ping` is answered, and what ends a stream early; undefined without streams. */
  readonly pong: Encoded | undefined
  readonly streamStop: Encoded | undefined
  /** The id of the nth task that a worker is sent: never 0, and another than those next to it. */
  idOf(nth: number): number
  /** Puts an id into an encoded task, answer or error; 0 takes it out. Workers that know nothing of ids pass over it. */
  setId(message: Encoded, id: number): void
}

/** Up to here a copy is cheaper than a second piece to write. */
const LARGEST_COPY = 8 * 1024

export function lengthOf(bytes: Bytes): number {
  return typeof bytes === 'string' ? Buffer.byteLength(bytes) : bytes.length
}

/** Puts `bytes` at `at`, where there is room for them. */
export function put(into: Buffer, at: number, bytes: Bytes): void {
  if (typeof bytes === 'string') into.write(bytes, at)
  else into.set(bytes, at)
}

/** `fill` writes the first `headLength` bytes; the body follows in the same piece or in its own. */
export function encode(
  headLength: number,
  body: Bytes,
  bodyLength: number,
  fill: (head: Buffer) => void,
): Encoded {
  const copied = bodyLength <= LARGEST_COPY
  const head = Buffer.allocUnsafe(copied ? headLength + bodyLength : headLength)
  fill(head)
  if (!copied) return { head, body: typeof body === 'string' ? Buffer.from(body) : body }
  if (bodyLength > 0) put(head, headLength, body)
  return { head, body: undefined }
}
