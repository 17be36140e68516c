// The least that a worker of goridge 2 has to do: block, read both frames, write both frames.
import { readSync, writeSync } from 'node:fs'

const PREFIX = 17
const scratch = Buffer.allocUnsafeSlow(1024 * 1024)
let filled = 0
const emptyHeader = Buffer.from('12' + '00'.repeat(16), 'hex')

function fill(size) {
  while (filled < size) {
    const length = readSync(0, scratch, filled, scratch.length - filled, null)
    if (length === 0) process.exit()
    filled += length
  }
}

/** Reads the frame at `at`; where it ends. */
function frame(at) {
  fill(at + PREFIX)
  const end = at + PREFIX + scratch.readUInt32LE(at + 1)
  fill(end)
  return end
}

function write(data) {
  for (let at = 0; at < data.length;) at += writeSync(1, data, at)
}

frame(0)
const pid = Buffer.from(JSON.stringify({ pid: process.pid }))
const answer = Buffer.alloc(PREFIX)
answer[0] = 16
answer.writeUInt32LE(pid.length, 1)
answer.writeUInt32BE(pid.length, 13)
write(Buffer.concat([answer, pid]))
filled = 0

for (;;) {
  const body = frame(0)
  const end = frame(body)
  scratch[body] = 4
  // The empty header takes the place of the context frame.
  emptyHeader.copy(scratch, body - PREFIX)
  write(scratch.subarray(body - PREFIX, end))
  filled = 0
}
