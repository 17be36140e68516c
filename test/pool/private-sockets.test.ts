import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { type Socket, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { HandshakeError, type ProcessPool, type ProcessPoolOptions } from 'runutil/pool'
import { describe, expect, it } from 'vitest'
import { errorOf, expectNothingLeft, freshPool, node, textOf, withPool } from '../support/pool/pools.ts'

const path = (name: string): string => fileURLToPath(new URL(`programs/${name}`, import.meta.url))
const odd = (way: string): string[] => [process.execPath, path('odd-socket.mjs'), way]
const isRoot = process.getuid?.() === 0 && process.platform === 'linux'

async function addressOf(pool: ProcessPool): Promise<string> {
  return (await textOf(pool.exec('env'))).split(' ')[0]!
}

/** A connection of nobody's. */
function stranger(address: string): Promise<{ socket: Socket; closed: Promise<void> }> {
  const { protocol, pathname, hostname, port } = new URL(address)
  const socket = connect(protocol === 'unix:' ? { path: pathname } : { host: hostname, port: Number(port) })
  socket.on('error', () => {})
  socket.resume()
  const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()))
  return new Promise((resolve) => socket.on('connect', () => resolve({ socket, closed })))
}

/** With one that is spoken to, and a worker beside it that comes and goes. */
describe.each(['unix', 'tcp'] as const)('a stranger over %s', (socket) => {
  it('is cut off after 4 KiB without a handshake', async () => {
    await withPool({ relay: { socket, timeout: '60s' } }, async (pool) => {
      const { socket: one, closed } = await stranger(await addressOf(pool))
      const frame = Buffer.alloc(64 * 1024)
      frame[0] = 16
      // Two lengths that agree, of 64 MiB less a byte: it would fit into maxFrame.
      frame.writeBigUInt64LE(67_108_863n, 1)
      frame.writeBigUInt64BE(67_108_863n, 9)
      one.write(frame)
      await closed
      expect(one.bytesWritten).toBeLessThanOrEqual(64 * 1024)
      expect(await textOf(pool.exec('echo'))).toBe('echo')
    })
  })

  it('is cut off when it announces more, before it sends that', async () => {
    await withPool({ relay: { socket, timeout: '100s' } }, async (pool) => {
      const { socket: one, closed } = await stranger(await addressOf(pool))
      // 4 KiB and a byte.
      one.write(Buffer.from('1001100000000000000000000000001001', 'hex'))
      await closed
    })
  })

  it('is one of 64 at most, and a new worker comes up all the same', async () => {
    await withPool({ relay: { socket, timeout: '60s' } }, async (pool, { created }) => {
      const address = await addressOf(pool)
      const strangers = []
      for (let count = 0; count < 80; count++) strangers.push(await stranger(address))
      // The oldest have to make room.
      await Promise.all(strangers.slice(0, 16).map(({ closed }) => closed))
      await errorOf(pool.exec('exit 1'))
      await created.times(2)
      expect(await textOf(pool.exec('echo'))).toBe('echo')
      for (const one of strangers) one.socket.destroy()
    })
  })
})

describe('over tcp', () => {
  it.skipIf(!isRoot)('a connection of another user is not taken for a worker', async () => {
    const { pool, seen } = freshPool({
      command: odd('has another user answer'),
      relay: { socket: 'tcp', timeout: '3s' },
    })
    const error = await errorOf(pool.start())
    expect(error).toBeInstanceOf(HandshakeError)
    expect(error.message).toMatch(
      /a connection answered with pid \d+, but comes from user 65534; the process runs as user 0/,
    )
    await pool.destroy()
    expectNothingLeft(pool, seen)
  })

  it.each(['tcp', 'unix'] as const)('a module has to know the token: %s', async (socket) => {
    const { pool } = freshPool({
      command: undefined,
      module: path('no-token.mjs'),
      relay: { socket, timeout: '3s' },
    })
    expect((await errorOf(pool.start())).message).toMatch(/without the token that this pool has given/)
    await pool.destroy()
  })

  it('a module that has the token is taken, and what it starts is not told', async () => {
    const relay = { socket: 'tcp' } as const
    await withPool({ command: undefined, module: path('node.mjs'), relay }, async (pool) => {
      expect(await textOf(pool.exec('echo'))).toBe('echo')
      expect(await textOf(pool.exec('token'))).toBe('undefined')
    })
  })
})

describe('over unix', () => {
  const relay = { socket: 'unix' } as const

  it('a folder too long for a socket is left for /tmp', async () => {
    const before = process.env.TMPDIR
    const long = mkdtempSync(join(tmpdir(), 'l'.repeat(90)))
    process.env.TMPDIR = long
    try {
      await withPool({ relay }, async (pool) => {
        const socket = (await addressOf(pool)).slice('unix://'.length)
        expect(socket).toMatch(/^\/tmp\/runutil-[^/]+\/relay\.sock$/)
        expect(statSync(socket).isSocket()).toBe(true)
        expect(statSync(dirname(socket)).mode & 0o777).toBe(0o700)
      })
    } finally {
      rmSync(long, { recursive: true })
      if (before === undefined) delete process.env.TMPDIR
      else process.env.TMPDIR = before
    }
  })

  const asNobody: ProcessPoolOptions = { command: [process.execPath, path('as-nobody.mjs')], relay }

  it.skipIf(!isRoot)('a worker of another user is told of socketMode', async () => {
    const { pool } = freshPool({ ...asNobody, relay: { socket: 'unix', timeout: '10s' } })
    expect((await errorOf(pool.start())).message).toMatch(/socketMode, such as 0o666/)
    await pool.destroy()
  })

  it.skipIf(!isRoot)('a worker of another user is let in by socketMode', async () => {
    await withPool({ ...asNobody, socketMode: 0o666 }, async (pool) => {
      const answer = await textOf(pool.exec('who'))
      expect(answer).toBe('65534')
    })
  })

  it.each([-1, 0o1777, 1.5, '0666'])('refuses the socketMode %s', (socketMode) => {
    expect(() => freshPool({ command: node, socketMode: socketMode as number })).toThrow(
      'ProcessPool: socketMode: expected a mode such as 0o666',
    )
  })
})
