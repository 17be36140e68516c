// Workers as other languages have them, goridge 2 over pipes: after five tasks they ask to be replaced: stopping.mjs <way>.
const way = process.argv[2]

function frame(flags, text) {
  const data = Buffer.from(text)
  const head = Buffer.alloc(17)
  head[0] = flags
  head.writeBigUInt64LE(BigInt(data.length), 1)
  head.writeBigUInt64BE(BigInt(data.length), 9)
  return Buffer.concat([head, data])
}

const send = (...frames) => process.stdout.write(Buffer.concat(frames))
const echo = (data) => send(frame(18, ''), frame(4, data))
let left = Buffer.alloc(0)
let count = 0
let over = false

process.stdin.on('data', (chunk) => {
  left = Buffer.concat([left, chunk])
  while (!over && left.length >= 17) {
    const length = Number(left.readBigUInt64LE(1))
    if (left.length < 17 + length) return
    const flags = left[0]
    const data = left.subarray(17, 17 + length)
    left = left.subarray(17 + length)
    if (flags === 16 && data.includes('stop')) process.exit()
    else if (flags === 16) send(frame(16, JSON.stringify({ pid: process.pid })))
    else if (!(flags & 16)) work(data)
  }
})

function work(data) {
  count++
  if (count === 6) {
    send(frame(20, '{"stop":true}'), frame(4, ''))
    if (way === 'two more') return
    over = true
    // When all of it has been written.
    process.stdout.write('', () => (way === 'exit' ? process.exit(0) : process.kill(process.pid, 'SIGKILL')))
  } else if (way === 'two more' && count === 9) {
    over = true
    process.stdout.write('', () => process.exit(0))
  } else echo(data)
}
