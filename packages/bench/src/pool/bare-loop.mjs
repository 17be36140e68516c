// The floor: goridge 2 over pipes, one task in flight on each worker, and nothing else: no states, no promises, no errors.
import { spawn } from 'node:child_process'

const PREFIX = 17

function prefix(flags, length) {
  const bytes = Buffer.alloc(PREFIX)
  bytes[0] = flags
  bytes.writeUInt32LE(length, 1)
  bytes.writeUInt32BE(length, 13)
  return bytes
}

function control(json) {
  return Buffer.concat([prefix(16, json.length), Buffer.from(json)])
}

export class BareLoop {
  #children

  constructor(file, count) {
    this.#children = Array.from({ length: count }, () =>
      spawn(process.execPath, [file], { stdio: ['pipe', 'pipe', 'inherit'] }),
    )
  }

  async start() {
    for (const { stdin } of this.#children) stdin.write(control(JSON.stringify({ pid: process.pid })))
    await Promise.all(
      this.#children.map(({ stdout }) => new Promise((resolve) => stdout.once('data', resolve))),
    )
  }

  /** Calls `answered` for each answer, until it returns false. */
  run(body, answered) {
    const task = Buffer.concat([prefix(20, 0), prefix(0, body.length), body])
    const size = 2 * PREFIX + body.length
    return Promise.all(this.#children.map((child) => loop(child, task, size, answered)))
  }

  async stop() {
    for (const child of this.#children) child.kill('SIGKILL')
  }
}

function loop({ stdin, stdout }, task, size, answered) {
  return new Promise((resolve) => {
    let missing = size
    stdout.removeAllListeners('data')
    stdout.on('data', (chunk) => {
      missing -= chunk.length
      if (missing > 0) return
      missing = size
      if (answered()) stdin.write(task)
      else resolve()
    })
    stdin.write(task)
  })
}
