import type { Bytes, Encoded } from './encoding.ts'
import type { Prefix } from './frame.ts'
import { Goridge2 } from './goridge2.ts'
import { Goridge3 } from './goridge3.ts'

export type ProtocolName = 'goridge2' | 'goridge2-legacy' | 'goridge3'

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

export const protocols: Readonly<Record<ProtocolName, Protocol>> = {
  goridge2: new Goridge2('goridge2'),
  'goridge2-legacy': new Goridge2('goridge2-legacy'),
  goridge3: new Goridge3(),
}

/**
 * The protocol that a parent speaks, told by the first bytes of its handshake, which is a short control frame of JSON;
 * undefined when they are too few to tell.
 */
export function detectProtocol(bytes: Uint8Array): Protocol | undefined {
  if (bytes.length < 10) return undefined
  if (bytes[0]! >> 4 === 1 && (bytes[0]! & 15) >= 3) return protocols.goridge3
  // The tenth byte is the JSON's first, or the highest of a second length.
  return bytes[9] === '{'.charCodeAt(0) ? protocols['goridge2-legacy'] : protocols.goridge2
}
