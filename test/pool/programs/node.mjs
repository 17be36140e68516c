// A worker in Node that does what its tasks say. Each is a word, sometimes with a number: 'slow 200'.
// With 'unblocked' as its argument, its timers run while it is idle.
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { serve } from 'runutil/pool/child'

const hoard = []
let ticks = 0
/** Of this pool's workers alone. */
const mark = `${tmpdir()}/runutil-stop-once-${process.ppid}`
const words = {
  echo: (_, payload) => payload.body,
  pid: () => String(process.pid),
  slow: (ms, payload) => new Promise((resolve) => setTimeout(resolve, ms, payload.body)),
  block: (ms) => String(Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)),
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
    odd.push(Object.assign(new Error(), { message: { no: 'text' } }), new Error('e'.repeat(1_000_000)))
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
  size: (_, { body }) => String(body.length),
  large: (bytes) => Buffer.alloc(bytes, 'z'),
  path: () => process.env.PATH,
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
