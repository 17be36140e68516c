// Workers of goridge 3 over pipes that answer in parts, by hand: goridge3.mjs <way>.
import { once } from 'node:events'

const CONTROL = 0x01
const ERROR = 0x40
const STREAM = 1
const STOP = 2
const PING = 4
const PONG = 8

function crc(bytes) {
  let c = ~0
  for (const byte of bytes) {
    c ^= byte
    for (let bit = 0; bit < 8; bit++) c = (c >>> 1) ^ (0xedb88320 & -(c & 1))
  }
  return ~c >>> 0
}

function frame(flags, data, options = [], stream = 0) {
  const body = Buffer.from(data)
  const head = Buffer.alloc(12 + 4 * options.length)
  head[0] = 0x10 | (head.length / 4)
  head[1] = flags
  head.writeUInt32LE(body.length, 2)
  head.writeUInt32LE(crc(head.subarray(0, 6)), 6)
  head[10] = stream
  options.forEach((option, at) => head.writeUInt32LE(option, 12 + 4 * at))
  return Buffer.concat([head, body])
}

const frames = []
let wake = () => {}
let left = Buffer.alloc(0)
process.stdin.on('data', (chunk) => {
  left = Buffer.concat([left, chunk])
  while (left.length >= 12) {
    const size = (left[0] & 15) * 4
    const length = left.readUInt32LE(2)
    if (left.length < size + length) return
    take(left[1], left[10], left.subarray(size, size + length).toString())
    left = left.subarray(size + length)
  }
})
process.stdin.on('end', () => process.exit())

function take(flags, stream, data) {
  if (flags & CONTROL && data.includes('stop')) process.exit()
  if (flags & CONTROL) return void process.stdout.write(frame(CONTROL, JSON.stringify({ pid: process.pid })))
  frames.push({ stream, data })
  wake()
}

async function next() {
  while (frames.length === 0) await new Promise((resolve) => (wake = resolve))
  return frames.shift()
}

/** Whether a frame with that bit is there. */
const came = (bit) => frames.some(({ stream }) => stream & bit)
const soon = () => new Promise((resolve) => setTimeout(resolve, 1))

let written = 0
async function say(text, context = '', stream = STREAM) {
  written++
  if (!process.stdout.write(frame(0, context + text, [context.length], stream)))
    await once(process.stdout, 'drain')
}

const words = {
  parts: async () => {
    await say('1,', '{"status":200}')
    await say('2,', '{"status":200}')
    await say('3', '', 0)
  },
  // Says nothing more before it is asked to go on.
  pings: async () => {
    await say('a', '', STREAM | PING)
    while (!came(PONG)) await soon()
    frames.length = 0
    await say('b', '', 0)
  },
  endless: async () => {
    written = 0
    while (!came(STOP)) {
      await say('x'.repeat(32_768))
      await soon()
    }
    frames.length = 0
    await say('', '', 0)
  },
  // Says one thing, and then nothing until it is asked to end.
  quiet: async () => {
    await say('begun')
    while (!came(STOP)) await soon()
    frames.length = 0
    await say('', '', 0)
  },
  // It never looks what comes, and the stop is just the next task.
  deaf: async () => {
    for (let part = 0; part < 20; part++) {
      await say(`${part},`)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    await say('end', '', 0)
  },
  written: () => say(String(written), '', 0),
  large: async () => {
    for (let part = 0; part < 10; part++) await say('y'.repeat(400))
    await say('end', '', 0)
  },
  fails: async () => {
    await say('begun')
    process.stdout.write(frame(ERROR, 'bad part'))
  },
  dies: async () => {
    await say('begun')
    process.exit(3)
  },
  'stops-late': async () => {
    await say('begun')
    await say('', '{"stop":true}', 0)
  },
  twice: async () => {
    await say('one', '', 0)
    await say('two', '', 0)
  },
}

for (;;) {
  const { data } = await next()
  await (words[data] ?? (() => say(data, '', 0)))()
}
