import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { HandshakeError, ProcessPool, UnsupportedPlatformError } from 'runutil/pool'
import { describe, expect, it } from 'vitest'
import { errorOf, freshPool, isAlive, node, odd, textOf, withPool } from '../support/pool/pools.ts'

const quoted = node.map((part) => `'${part}'`).join(' ')

describe('a wrapper around a worker', () => {
  it.each(['pipes', { socket: 'unix' }, { socket: 'tcp' }] as const)(
    'is told at once over %j, with what to write instead',
    async (relay) => {
      const { pool } = freshPool({ command: ['sh', '-c', `${quoted}; true`], relay })
      const error = (await errorOf(pool.start())) as HandshakeError
      expect(error).toBeInstanceOf(HandshakeError)
      const said = /expected the pid spawned, (\d+); got (\d+): pid (\d+) is what 'sh -c .*' started/.exec(
        error.message,
      )
      expect(said?.[1]).toBe(`${error.pid}`)
      expect(said?.[2]).toBe(said?.[3])
      expect(error.message).toMatch("exec before the last command, as in sh -c 'exec php worker.php'")
      expect(error.message).not.toMatch('broke the protocol')
      await pool.destroy()
      // Killed with its group: nobody waits for its end.
      await expect.poll(() => isAlive(Number(said![2]))).toBe(false)
    },
  )

  it('that ends with exec is none', async () => {
    await withPool({ command: ['sh', '-c', `exec ${quoted}`] }, async (pool) => {
      expect(await textOf(pool.exec('echo'))).toBe('echo')
    })
  })

  it('such as tsx is replaced by an import', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'wrapper-'))
    const tsx = join(folder, 'tsx')
    writeFileSync(tsx, `#!/bin/sh\n${process.execPath} "$@"\ntrue\n`, { mode: 0o755 })
    const { pool } = freshPool({ command: [tsx, node[1]!] })
    expect((await errorOf(pool.start())).message).toMatch(
      `write [process.execPath, '--import', 'tsx', '${node[1]!}'] instead of tsx`,
    )
    await pool.destroy()
    rmSync(folder, { recursive: true })
  })
})

describe('a handshake that did not come in time', () => {
  it('is called just that, and says what a worker has to do', async () => {
    const { pool } = freshPool({ command: odd('never answers'), handshakeTimeout: '300ms' })
    const { message } = await errorOf(pool.start())
    expect(message).toMatch(
      /^worker \d+: its handshake failed: expected an answer within 300 ms; got none \(.* longer handshakeTimeout\)$/,
    )
    await pool.destroy()
  })
})

describe('on Windows', () => {
  it('ProcessPool says what is supported', () => {
    const { platform } = process
    Object.defineProperty(process, 'platform', { value: 'win32' })
    try {
      expect(() => new ProcessPool({ command: node })).toThrow(UnsupportedPlatformError)
      expect(() => new ProcessPool({ command: node })).toThrow(/runs on Linux, macOS .*, not on win32/)
    } finally {
      Object.defineProperty(process, 'platform', { value: platform })
    }
  })
})
