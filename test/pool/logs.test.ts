import { runAllWorkers } from 'runutil'
import {
  AllocateTimeoutError,
  HandshakeError,
  JobError,
  type ProcessPoolOptions,
  WorkerError,
} from 'runutil/pool'
import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { capturedLogger } from '../support/logs.ts'
import { errorOf, freshPool, odd, textOf, withPool } from '../support/pool/pools.ts'

/** What a group's logger gets while a pool is used in it. */
async function logOf(
  options: Partial<ProcessPoolOptions>,
  use: (pool: ReturnType<typeof freshPool>['pool']) => Promise<void>,
): Promise<{ lines: ReturnType<typeof capturedLogger>['lines'] }> {
  const { pool } = freshPool(options)
  const { logger, lines } = capturedLogger()
  const stop = new AbortController()
  const ended = runAllWorkers([{ name: 'Pool', worker: pool }], stop.signal, { logger })
  await use(pool)
  stop.abort()
  await ended
  return { lines }
}

const MEBIBYTE = 1024 * 1024

describe('an error', () => {
  it('of a task writes its payload into no log', () => {
    const error = new JobError(Buffer.alloc(32 * MEBIBYTE, 'x'))
    expect(error.payload).toHaveLength(32 * MEBIBYTE)
    expect(Object.keys(error)).not.toContain('payload')
    expect(JSON.stringify(error).length).toBeLessThan(1_000)
    expect(inspect(error).length).toBeLessThan(16_000)
    const { logger, lines } = capturedLogger()
    logger.error({ err: error }, 'failed')
    expect(JSON.stringify(lines).length).toBeLessThan(16_384)
  })

  it.each([
    new WorkerError('it broke', { stderr: 'e'.repeat(65_536), stdout: 'o'.repeat(65_536) }),
    new HandshakeError('it broke', { stderr: 'e'.repeat(65_536) }),
    new AllocateTimeoutError(100, 0, new WorkerError('it broke', { stderr: 'e'.repeat(65_536) })),
  ])('of a worker writes no more than the end of its output: %#', (error) => {
    expect(error.stderr).toHaveLength(65_536)
    expect(Object.keys(error)).not.toContain('stderr')
    const { logger, lines } = capturedLogger()
    logger.error({ err: error }, 'failed')
    expect(JSON.stringify(lines).length).toBeLessThan(16_384)
  })
})

describe('what workers write to stderr', () => {
  it('goes to the log without empty lines', async () => {
    const { lines } = await logOf({}, async (pool) => {
      expect(await textOf(pool.exec('flood-empty 200000'))).toBe('flooded')
    })
    expect(lines.map(({ msg }) => msg)).toEqual(['begin', 'end'])
  })

  it('goes to the log as 1,000 lines a second, and how many more there were', async () => {
    const { lines } = await logOf({}, async (pool) => {
      expect(await textOf(pool.exec('flood 50000'))).toBe('flooded')
    })
    const texts = lines.map(({ msg }) => String(msg))
    const left = texts.flatMap(
      (text) => /^(\d+) more lines within a second were left out$/.exec(text)?.[1] ?? [],
    )
    expect(left.length).toBeGreaterThan(0)
    const passed = texts.filter((text) => text.startsWith('line '))
    expect(passed.length + left.reduce((sum, count) => sum + Number(count), 0)).toBe(50_000)
    expect(passed.length).toBeLessThan(25_000)
  })
})

describe('on a socket, what a worker prints to stdout', () => {
  it('is in its error', async () => {
    await withPool({ relay: { socket: 'unix' } }, async (pool) => {
      const error = (await errorOf(pool.exec('print-and-exit 3'))) as WorkerError
      expect(error.message).toMatch(/exited with code 3 in the middle of a task; its stdout:\nno such table$/)
      expect(error.stdout).toBe('no such table\n')
    })
  })

  it('is in the error of its handshake', async () => {
    const { pool } = freshPool({ command: odd('prints and exits'), relay: { socket: 'tcp' } })
    const error = await errorOf(pool.start())
    expect(error).toBeInstanceOf(HandshakeError)
    expect(error.message).toMatch(/it exited with code 3; its stdout:\nno such module$/)
    await pool.destroy()
  })
})

describe('console.log in a handler of serve', () => {
  it.each(['pipes', { socket: 'unix' }] as const)('breaks nothing over %j', async (relay) => {
    const { lines } = await logOf({ relay }, async (pool) => {
      const [worker] = await Promise.all([pool.exec('pid'), pool.start()])
      expect(await textOf(pool.exec('log'))).toBe('logged')
      expect(await textOf(pool.exec('pid'))).toBe(Buffer.from(worker.body!).toString())
      await expect.poll(() => pool.stats().running).toBe(0)
    })
    expect(lines.map(({ msg }) => msg)).toEqual(expect.arrayContaining(['debug: 1', 'table: 2']))
  })
})

describe('a worker that is shown', () => {
  it('says its pid, its state and how much it has done', async () => {
    await withPool({ numWorkers: 2 }, async (pool) => {
      await pool.exec('echo')
      const shown = pool.workers.map(({ pid, numExecs }) => ({ pid, state: 'ready', numExecs }))
      expect(JSON.parse(JSON.stringify(pool.workers))).toEqual(shown)
      const [worker] = pool.workers
      expect(inspect(worker)).toBe(
        `WorkerProcess { pid: ${worker!.pid}, state: 'ready', numExecs: ${worker!.numExecs} }`,
      )
    })
  })
})
