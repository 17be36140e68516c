// A worker in Node that does what its tasks say. Each is a word, sometimes with a number: 'slow 200'.
// With 'unblocked' as its argument, its timers run while it is idle.
import { spawn } from 'node:child_process'
import { existsSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { reportProgress, serve } from 'runutil/pool/child'

const hoard = []
let ticks = 0
/** Of this pool's workers alone. */
const mark = `${tmpdir()}/runutil-stop-once-${process.ppid}`
const hex = (text) => Buffer.from(text.replaceAll(' ', ''), 'hex')
/** Answers of 'x' as workers of other makes send them. */
const forged = {
  goridge2: hex('12 0000000000000000 0000000000000000 04 0100000000000000 0000000000000001 78'),
  'goridge2-legacy': hex('12 0000000000000000 04 0100000000000000 78'),
  goridge3: hex('14 00 01000000 4b863991 0000 00000000 78'),
}
const words = {
  echo: (_, payload) => payload.body,
  pid: () => String(process.pid),
  slow: (ms, payload) => new Promise((resolve) => setTimeout(resolve, ms, payload.body)),
  block: (ms) => String(Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)),
  'have-child': () => String(spawn('sleep', ['300'], { stdio: 'ignore' }).pid),
  'block-with-child': () => {
    spawn('sleep', ['300'], { stdio: 'ignore' })
    return String(Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300_000))
  },
  fail: () => {
    throw new Error('bad task')
  },
  'fail-later': () => Promise.reject(new Error('bad task, later')),
  'fail-oddly': () => {
    throw 'just text'
  },
  'fail-with': (which) => {
    const odd = [
      undefined,
      Object.create(null),
      { code: 3 },
      Object.assign(new Error(), { message: undefined }),
    ]
    odd.push(
      Object.assign(new Error(), { message: { no: 'text' } }),
      new Error('e'.repeat(1_000_000)),
      new Error(''),
    )
    throw odd[which]
  },
  nonsense: () => 42,
  unsendable: (which) => [null, [1], new Map(), new ArrayBuffer(3), { answer: 1 }, new Date(0)][which],
  nothing: () => {},
  both: (_, { context, body }) => ({ context: `${context ?? 'none'}`, body }),
  exit: (code) => process.exit(code),
  'exit-loudly': (code) => {
    console.error('first line\nlast words')
    process.exit(code)
  },
  stop: () => ({ context: '{"stop":true}' }),
  'stop-later': () => new Promise((resolve) => setTimeout(resolve, 100, { context: '{"stop":true}' })),
  // The first asks to be replaced; the next finds its mark.
  'stop-once': () =>
    existsSync(mark)
      ? (rmSync(mark), 'done by another')
      : (writeFileSync(mark, ''), { context: '{"stop":true}' }),
  tick: () => String(setInterval(() => ticks++, 1) && 'ticking'),
  ticks: () => String(ticks),
  print: () => {
    process.stdout.write('debug: 1\n')
    return 'printed'
  },
  log: () => {
    console.log('debug: %d', 1)
    console.info('table: 2')
    return 'logged'
  },
  'print-and-exit': (code) => {
    writeSync(1, 'no such table\n')
    process.exit(code)
  },
  'flood-empty': (count) => {
    writeSync(2, `begin\n${'\n'.repeat(count)}${' \r\n'.repeat(100)}end\n`)
    return 'flooded'
  },
  flood: (count) => {
    for (let line = 0; line < count; line += 100) {
      writeSync(2, Array.from({ length: 100 }, (_, at) => `line ${line + at}\n`).join(''))
    }
    return 'flooded'
  },
  warn: () => {
    console.error('one\ntwo')
    return 'warned'
  },
  'warn-long': () => {
    process.stderr.write('first\n' + 'é'.repeat(80_000) + '!\n')
    process.exit(1)
  },
  'warn-much': () => {
    console.error('x'.repeat(99) + '\n' + ('y'.repeat(99) + '\n').repeat(999))
    process.exit(1)
  },
  memory: (mebibytes) => {
    hoard.push(Buffer.alloc(mebibytes * 1024 * 1024, 1))
    return String(process.pid)
  },
  // It has more and more while it has nothing to do.
  grow: (mebibytes) => {
    setImmediate(() => hoard.push(Buffer.alloc(mebibytes * 1024 * 1024, 1)))
    return 'grew'
  },
  'grow-and-hang': (mebibytes) => {
    hoard.push(Buffer.alloc(mebibytes * 1024 * 1024, 1))
    return new Promise(() => setInterval(() => {}, 2 ** 30))
  },
  size: (_, { body }) => String(body.length),
  large: (bytes) => Buffer.alloc(bytes, 'z'),
  report: (number) => {
    reportProgress(number)
    reportProgress(undefined)
    reportProgress({ n: number })
    return 'reported'
  },
  'serve-again': () => serve(() => 'another').catch(({ message }) => message),
  'report-oddly': (which) => {
    const odd = [() => {}, Symbol('s'), { toJSON() {} }, NaN, new Map(), new Uint8Array(1)]
    reportProgress(odd[which])
    return 'reported'
  },
  path: () => process.env.PATH,
  token: () => String(process.env.RUNUTIL_POOL),
  // Past serve, an answer of its own before the one that is due.
  'answer-twice': (_, { body }) => {
    writeSync(1, forged[Buffer.from(body).toString().split(' ')[1]])
    return 'once'
  },
  env: () => `${process.env.RR_RELAY} ${process.env.COLOUR} ${process.cwd()}`,
}

const blocking = process.argv[2] !== 'unblocked'

await serve(
  (payload) => {
    const text = Buffer.from(payload.body).toString('latin1', 0, 40)
    const [word, number] = text.split(' ')
    return (words[word] ?? words.echo)(Number(number), payload)
  },
  { blocking },
)
