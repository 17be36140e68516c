// A worker in Node that does what its tasks say. Each is a word, sometimes with a number: 'slow 200'.
import { serve } from 'runutil/pool/child'

const hoard = []
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
  nonsense: () => 42,
  nothing: () => {},
  both: (_, { context, body }) => ({ context: `${context ?? 'none'}`, body }),
  exit: (code) => process.exit(code),
  'exit-loudly': (code) => {
    console.error('first line\nlast words')
    process.exit(code)
  },
  stop: () => ({ context: '{"stop":true}' }),
  print: () => {
    process.stdout.write('debug: 1\n')
    return 'printed'
  },
  warn: () => {
    console.error('one\ntwo')
    return 'warned'
  },
  'warn-much': () => {
    console.error('x'.repeat(99) + '\n' + ('y'.repeat(99) + '\n').repeat(999))
    process.exit(1)
  },
  memory: (mebibytes) => {
    hoard.push(Buffer.alloc(mebibytes * 1024 * 1024, 1))
    return String(process.pid)
  },
  size: (_, { body }) => String(body.length),
  large: (bytes) => Buffer.alloc(bytes, 'z'),
  env: () => `${process.env.RR_RELAY} ${process.env.COLOUR} ${process.cwd()}`,
}

await serve((payload) => {
  const text = Buffer.from(payload.body).toString('latin1', 0, 40)
  const [word, number] = text.split(' ')
  return (words[word] ?? words.echo)(Number(number), payload)
})
