import { expect, test } from 'vitest'
import { FrameReader } from '../../packages/runutil/src/pool/relay/frame-reader.ts'
import { CorruptFrameError } from '../../packages/runutil/src/pool/relay/frame.ts'
import { MessageReader } from '../../packages/runutil/src/pool/relay/message-reader.ts'
import type { Message } from '../../packages/runutil/src/pool/relay/message.ts'
import type { Encoded } from '../../packages/runutil/src/pool/relay/encoding.ts'
import type { Protocol } from '../../packages/runutil/src/pool/relay/protocol.ts'
import { detectProtocol, protocols } from '../../packages/runutil/src/pool/relay/protocol.ts'

const { goridge2, goridge3 } = protocols
const legacy = protocols['goridge2-legacy']
const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex')
const text = (data: string): string => Buffer.from(data).toString('hex')

/** What upstream's own clients and servers sent, read at their tags or captured from a real worker. */
const vectors: Record<
  string,
  { protocol: Protocol; hex: string; encoded: Encoded; end: 'parent' | 'child' }
> = {
  'the request for a pid': {
    protocol: goridge2,
    hex: `10 0c00000000000000 000000000000000c ${text('{"pid":1234}')}`,
    encoded: goridge2.control('{"pid":1234}'),
    end: 'child',
  },
  'the request for a pid, with the prefix of 9 bytes': {
    protocol: legacy,
    hex: `10 0c00000000000000 ${text('{"pid":1234}')}`,
    encoded: legacy.control('{"pid":1234}'),
    end: 'child',
  },
  'the stop command': {
    protocol: goridge2,
    hex: `10 0d00000000000000 000000000000000d ${text('{"stop":true}')}`,
    encoded: goridge2.control('{"stop":true}'),
    end: 'child',
  },
  'a task without context': {
    protocol: goridge2,
    hex: '14 0000000000000000 0000000000000000  00 0500000000000000 0000000000000005 68656c6c6f',
    encoded: goridge2.task('', 'hello'),
    end: 'child',
  },
  'a task with the prefix of 9 bytes': {
    protocol: legacy,
    hex: '14 0300000000000000 637478  00 0500000000000000 68656c6c6f',
    encoded: legacy.task('ctx', 'hello'),
    end: 'child',
  },
  'an answer without context': {
    protocol: goridge2,
    hex: '12 0000000000000000 0000000000000000  04 0500000000000000 0000000000000005 68656c6c6f',
    encoded: goridge2.answer('', 'hello'),
    end: 'parent',
  },
  'an answer with a context and an empty body': {
    protocol: goridge2,
    hex: '14 0500000000000000 0000000000000005 776f726c64  04 0000000000000000 0000000000000000',
    encoded: goridge2.answer('world', ''),
    end: 'parent',
  },
  "a worker's request to be replaced": {
    protocol: goridge2,
    hex: `14 0d00000000000000 000000000000000d ${text('{"stop":true}')}  04 0000000000000000 0000000000000000`,
    encoded: goridge2.answer('{"stop":true}', ''),
    end: 'parent',
  },
  'a task that failed': {
    protocol: goridge2,
    hex: '1c 0300000000000000 0000000000000003 626164',
    encoded: goridge2.error('bad'),
    end: 'parent',
  },
  'an answer of goridge 3': {
    protocol: goridge3,
    hex: '14 00 09000000 a4ae8d54 0000 04000000 6374783168656c6c6f',
    encoded: goridge3.answer('ctx1', 'hello'),
    end: 'parent',
  },
}

const meanings: Record<string, Message> = {
  'the request for a pid': control('{"pid":1234}'),
  'the request for a pid, with the prefix of 9 bytes': control('{"pid":1234}'),
  'the stop command': control('{"stop":true}'),
  'a task without context': payload('', 'hello'),
  'a task with the prefix of 9 bytes': payload('ctx', 'hello'),
  'an answer without context': payload('', 'hello'),
  'an answer with a context and an empty body': payload('world', ''),
  "a worker's request to be replaced": payload('{"stop":true}', ''),
  'a task that failed': { kind: 'error', id: 0, data: Buffer.from('bad') },
  'an answer of goridge 3': payload('ctx1', 'hello'),
}

test.each(Object.entries(vectors))('%s is written as upstream writes it', (_, { hex, encoded }) => {
  expect(encoded.head.toString('hex')).toBe(hex.replaceAll(' ', ''))
  expect(encoded.body).toBeUndefined()
})

test.each(Object.entries(vectors))('%s is read as upstream means it', (name, { protocol, hex, end }) => {
  const reader = new MessageReader(new FrameReader(protocol, 1000), end)
  reader.frames.feed(bytes(hex))
  expect(reader.next()).toEqual(meanings[name])
  expect(reader.next()).toBeUndefined()
  expect(reader.pending).toBe(false)
})

test("the header of a real goridge 3 worker's pid answer is a control frame", () => {
  const reader = new FrameReader(goridge3, 1000)
  reader.feed(bytes(`13 01 0c000000 9e473643 0000 ${text('{"pid":5678}')}`))
  expect(reader.next()).toEqual({ flags: 16, id: 0, split: undefined, data: Buffer.from('{"pid":5678}') })
})

test('the length of a frame with the empty flag is nothing, whatever it says', () => {
  const reader = new FrameReader(goridge2, 1000)
  reader.feed(bytes('12 0500000000000000 0000000000000005'))
  expect(reader.next()).toEqual({ flags: 18, id: 0, split: undefined, data: Buffer.alloc(0) })
})

const huge = bytes('14 ff000000ff000000 000000ff000000ff')
const refused: Record<string, { protocol: Protocol; sent: Buffer; says: string }> = {
  'two lengths that differ': {
    protocol: goridge2,
    sent: bytes('14 ff000000ff000000 000000ff000000fe'),
    says: 'expected a goridge2 frame (the same length twice); got "\\u0014',
  },
  'one letter of text': {
    protocol: goridge2,
    sent: Buffer.from('h'),
    says: 'expected a goridge2 frame (flags); got "h" (hex 68)',
  },
  'text, with the prefix of 9 bytes': {
    protocol: legacy,
    sent: Buffer.from('PHP Fatal error'),
    says: 'got "PHP Fatal error"',
  },
  'text, in goridge 3': { protocol: goridge3, sent: Buffer.from('Warning'), says: 'got "Warning"' },
  'a checksum that is wrong': {
    protocol: goridge3,
    sent: bytes('14 00 09000000 a4ae8d55 0000 04000000'),
    says: 'expected a goridge3 frame (checksum)',
  },
  'a terabyte': {
    protocol: goridge2,
    sent: huge,
    says: 'expected a frame of at most 1000 bytes (maxFrame), not of 1095216660735; got',
  },
}

test.each(Object.entries(refused))('%s is refused, with the bytes shown', (_, { protocol, sent, says }) => {
  const reader = new FrameReader(protocol, 1000)
  reader.feed(sent)
  expect(() => reader.next()).toThrow(CorruptFrameError)
  expect(() => new FrameReader(protocol, 1000).next()).not.toThrow()
  const again = new FrameReader(protocol, 1000)
  again.feed(sent)
  expect(() => again.next()).toThrow(says)
})

test("upstream's own frame of a terabyte is read where maxFrame allows it", () => {
  expect(goridge2.prefix(huge, 0, huge.length)).toMatchObject({ flags: 20, length: 1095216660735 })
})

test.each(Object.values(protocols))('$name is told by the first bytes of its handshake', (protocol) => {
  const { head } = protocol.control('{"pid":1}')
  expect(detectProtocol(head)).toBe(protocol)
  expect(detectProtocol(head.subarray(0, 9))).toBeUndefined()
})

function control(json: string): Message {
  return { kind: 'control', data: Buffer.from(json) }
}

function payload(context: string, body: string): Message {
  return {
    kind: 'payload',
    id: 0,
    context: Buffer.from(context),
    body: Buffer.from(body),
    more: false,
    ping: false,
  }
}
