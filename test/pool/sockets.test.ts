import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runAllWorkers } from 'runutil'
import { HandshakeError } from 'runutil/pool'
import { describe, expect, it } from 'vitest'
import { capturedLogger } from '../support/logs.ts'
import { errorOf, expectNothingLeft, freshPool, textOf, withPool } from '../support/pool/pools.ts'

const odd = (way: string): string[] => [
  process.execPath,
  fileURLToPath(new URL('programs/odd-socket.mjs', import.meta.url)),
  way,
]

describe.each(['unix', 'tcp'] as const)('a pool over %s', (socket) => {
  it.each([
    [
      'answers another pid',
      /expected an answer within 1500 ms; got none \(a connection answered with pid \d+\)/,
    ],
    [
      'answers garbage',
      /got none \(a connection broke the protocol: expected a goridge2 frame .*GET \/ HTTP/,
    ],
    ['says why, and stays silent', /got none; its stderr:\nwaiting for the licence server$/],
  ])('rejects its start when a worker %s', async (way, said) => {
    const { pool, seen } = freshPool({ command: odd(way), relay: { socket, timeout: '1500ms' } })
    const error = await errorOf(pool.start())
    expect(error).toBeInstanceOf(HandshakeError)
    expect(error.message).toMatch(said)
    await pool.destroy()
    expectNothingLeft(pool, seen)
  })

  it('turns a second connection of a process away', async () => {
    await withPool({ command: odd('connects twice'), relay: { socket } }, async (pool) => {
      const [worker] = pool.workers
      const { code, stderr } = await worker!.stop()
      expect({ code, stderr }).toEqual({ code: 0, stderr: 'a connection was closed\n' })
    })
  })

  it("sends what its workers print to the group's logger", async () => {
    const { pool } = freshPool({ relay: { socket } })
    const { logger, lines } = capturedLogger()
    const stop = new AbortController()
    const ended = runAllWorkers([{ name: 'Pool', worker: pool }], stop.signal, { logger })
    expect(await textOf(pool.exec('print'))).toBe('printed')
    await expect.poll(() => lines).toMatchObject([{ msg: 'debug: 1', worker: '/Pool', stream: 'stdout' }])
    stop.abort()
    await ended
  })

  it.skipIf(socket === 'tcp')('takes any folder for its socket', async () => {
    const before = process.env.TMPDIR
    process.env.TMPDIR = mkdtempSync(join(tmpdir(), 'a#b?c%20d '))
    try {
      await withPool({ relay: { socket } }, async (pool) => {
        expect(await textOf(pool.exec('env'))).toContain('a#b?c%20d ')
      })
      expect(readdirSync(process.env.TMPDIR)).toEqual([])
    } finally {
      rmSync(process.env.TMPDIR, { recursive: true })
      if (before === undefined) delete process.env.TMPDIR
      else process.env.TMPDIR = before
    }
  })

  it('leaves no socket file and no port behind', async () => {
    let address = ''
    await withPool({ relay: { socket } }, async (pool) => {
      address = (await textOf(pool.exec('env'))).split(' ')[0]!
      expect(await reachable(address)).toBe(true)
    })
    expect(await reachable(address)).toBe(false)
  })
})

function reachable(address: string): Promise<boolean> {
  const { protocol, pathname, hostname, port } = new URL(address)
  return new Promise((resolve) => {
    const socket = connect(protocol === 'unix:' ? { path: pathname } : { host: hostname, port: Number(port) })
    socket.on('connect', () => socket.destroy())
    socket.on('connect', () => resolve(true))
    socket.on('error', () => resolve(false))
  })
}
