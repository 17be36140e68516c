// Workers that go wrong, each in its own way: odd.mjs <way>. They speak goridge 2 over pipes, by hand.
import { spawn } from 'node:child_process'
import { closeSync, readSync, writeSync } from 'node:fs'

const CONTROL = 16
const RAW = 4

function frame(flags, data, announced = data.length) {
  const bytes = Buffer.alloc(17 + data.length)
  bytes[0] = flags
  bytes.writeBigUInt64LE(BigInt(announced), 1)
  bytes.writeBigUInt64BE(BigInt(announced), 9)
  bytes.write(data, 17)
  return bytes
}

function read(length) {
  const bytes = Buffer.alloc(length)
  for (let at = 0; at < length;) {
    const got = readSync(0, bytes, at, length - at, null)
    if (got === 0) process.exit(0)
    at += got
  }
  return bytes
}

function readFrame() {
  const prefix = read(17)
  return { flags: prefix[0], data: read(Number(prefix.readBigUInt64LE(1))).toString() }
}

const say = (...frames) => writeSync(1, Buffer.concat(frames))
const stay = () => setInterval(() => {}, 2 ** 30)

function greet(pid = process.pid) {
  readFrame()
  say(frame(CONTROL, JSON.stringify({ pid })))
}

/** Answers each task with what `answer` makes of its body. */
function answering(answer, isDeaf = false) {
  greet()
  for (;;) {
    const { data: context } = readFrame()
    if (context === '{"stop":true}' && isDeaf) continue
    if (context === '{"stop":true}') process.exit(0)
    say(...answer(readFrame().data))
  }
}

const echo = (body) => [frame(CONTROL | 2, ''), frame(RAW, body)]

const ways = {
  'never answers': stay,
  'answers another pid': () => greet(process.pid + 1) ?? stay(),
  'answers no json': () => readFrame() && say(frame(CONTROL, 'hello')) && stay(),
  'answers without a control frame': () => readFrame() && say(frame(RAW, '{"pid":1}')) && stay(),
  'prints before it answers': () => say(Buffer.from('Deprecated: fopen() in worker.php\n')) && stay(),
  'goes on talking': () =>
    readFrame() && say(frame(CONTROL, `{"pid":${process.pid}}`), frame(RAW, '!')) && stay(),
  'dies after its greeting': () => greet() ?? process.exit(9),
  'exits at once': () => process.exit(0),
  'exits at once, loudly': () => console.error('no such module') ?? process.exit(3),
  'prints and exits': () => writeSync(1, 'no such module\n') && process.exit(3),
  'ignores stop': () => process.on('SIGTERM', () => {}) && answering(echo, true),
  'announces too much': () => answering(() => [frame(CONTROL | 2, ''), frame(RAW, '', 2 ** 40)]),
  'answers a broken prefix': () => answering(() => [Buffer.alloc(34, 'x')]),
  'answers the body first': () => answering((body) => [frame(RAW, body), frame(RAW, body)]),
  'answers twice': () => answering((body) => [...echo(body), ...echo(body)]),
  'answers half': () => answering((body) => [frame(CONTROL | 2, ''), frame(RAW, body, 999)]),
  'answers half and exits': () =>
    answering((body) => say(frame(CONTROL | 2, ''), frame(RAW, body, 999)) && process.exit(0)),
  'closes its stdout': () => {
    greet()
    closeSync(1)
    stay()
  },
  'closes its stdin': () => {
    greet()
    readFrame()
    const { data } = readFrame()
    closeSync(0)
    say(...echo(data))
    stay()
  },
  'has a child and blocks': () => {
    spawn(process.execPath, ['-e', 'setInterval(() => {}, 2 ** 30)'], { stdio: 'ignore' })
    answering(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300_000))
  },
  'has a child': () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 2 ** 30)'], { stdio: 'ignore' })
    answering(() => echo(String(child.pid)))
  },
}

ways[process.argv[2]]()
