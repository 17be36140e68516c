import { Goridge2 } from './goridge2.ts'
import { Goridge3 } from './goridge3.ts'
import type { Protocol, ProtocolName } from './protocol.ts'

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
