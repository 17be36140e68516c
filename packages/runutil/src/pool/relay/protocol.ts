import type { Bytes, Encoded } from './encoding.ts'
import type { Prefix } from './frame.ts'
import type { PayloadMessage } from './message.ts'
import { Goridge2 } from './goridge2.ts'
import { Goridge3 } from './goridge3.ts'

/** The protocol that the workers of a pool speak. */
export type ProtocolName = 'goridge2' | 'goridge2-legacy' | 'goridge3'

/**
 * The format of frames on the relay. A protocol only encodes and decodes: it keeps no state, and does not act on what it read.
 *
 * A message is a task (parent to child), an answer (child to parent), a control message with JSON (the handshake's
 * pid and stop) or an error.
 */
export interface Protocol {
  readonly name: ProtocolName
  /** 2: a control frame with the context, then one with the body. 1: both in one frame with a `split`. */
  readonly framesPerMessage: 1 | 2
  /** The most bytes of a prefix. */
  readonly longestPrefix: number
  /** The largest value of the length field. */
  readonly longestData: number
  /**
   * The prefix that begins at `from`; undefined when it goes on beyond `end`. Throws as soon as the bytes are invalid.
   *
   * @param extended whether the sender may number its messages
   * @throws CorruptFrameError
   */
  prefix(bytes: Buffer, from: number, end: number, extended?: boolean): Prefix | undefined
  /**
   * The task or answer whose first byte is at `from`, where all of it is there, is as it mostly is and fits into `maxFrame`;
   * otherwise undefined, and it is read frame by frame. Undefined too where messages have one frame.
   */
  whole?(bytes: Buffer, from: number, extended: boolean, maxFrame: number): PayloadMessage | undefined
  task(context: Bytes, body: Bytes): Encoded
  answer(context: Bytes, body: Bytes): Encoded
  control(json: string): Encoded
  error(message: string): Encoded
  /** The answer to a `ping` of a stream's sender, and the message that ends a stream early; undefined without streams. */
  readonly pong: Encoded | undefined
  readonly streamStop: Encoded | undefined
  /** The id of the nth task sent to a worker: never 0, and different from its neighbours'. */
  idOf(nth: number): number
  /** Sets the id of an encoded task, answer or error; 0 removes it. Workers without support for ids ignore it. */
  setId(message: Encoded, id: number): void
}

export const protocols: Readonly<Record<ProtocolName, Protocol>> = {
  goridge2: new Goridge2('goridge2'),
  'goridge2-legacy': new Goridge2('goridge2-legacy'),
  goridge3: new Goridge3(),
}

/**
 * Detects a parent's protocol from the first bytes of its handshake, which is a short control frame of JSON; undefined when
 * there are too few bytes.
 */
export function detectProtocol(bytes: Uint8Array): Protocol | undefined {
  if (bytes.length < 10) return undefined
  if (bytes[0]! >> 4 === 1 && (bytes[0]! & 15) >= 3) return protocols.goridge3
  // The tenth byte is the first of the JSON, or the highest of the second length.
  return bytes[9] === '{'.charCodeAt(0) ? protocols['goridge2-legacy'] : protocols.goridge2
}
