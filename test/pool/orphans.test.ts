import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { runAllWorkers } from 'runutil'
import { ProcessPool, type ProcessPoolOptions } from 'runutil/pool'
import { describe, expect, it } from 'vitest'
import { capturedLogger } from '../support/logs.ts'
import { freshPool, isAlive, node, textOf, withPool } from '../support/pool/pools.ts'

const program = (name: string): string => fileURLToPath(new URL(`programs/${name}`, import.meta.url))
const parent = program('parent.mjs')

interface Left {
  pids: number[]
  folder: string
}

/** A pool in a process of its own with a folder of its own, which then ends in some way. @returns what it had started */
async function ended(
  options: ProcessPoolOptions,
  task: string,
  way: 'SIGKILL' | 'exit' | 'throw' | 'two signals',
): Promise<Left> {
  const folder = mkdtempSync(join(tmpdir(), 'orphans-'))
  const env = { ...process.env, TMPDIR: folder, WAY: way }
  const child = spawn(process.execPath, [parent, JSON.stringify(options), task], {
    env,
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string]
  const pids = JSON.parse(line) as number[]
  expect(pids.every(isAlive)).toBe(true)
  if (way === 'SIGKILL') child.kill('SIGKILL')
  else child.stdin.end('now')
  await once(child, 'exit')
  return { pids, folder }
}

async function expectGone({ pids, folder }: Left): Promise<void> {
  await expect.poll(() => pids.filter(isAlive)).toEqual([])
  await expect.poll(() => readdirSync(folder)).toEqual([])
  rmSync(folder, { recursive: true })
}

describe.skipIf(process.platform !== 'linux')('a blocked worker, and what it has started', () => {
  it.each(['pipes', { socket: 'unix' }, { socket: 'tcp' }] as const)(
    'end when their parent was killed, over %j',
    async (relay) => {
      const { pids, folder } = await ended(
        { command: node, relay, numWorkers: 2 },
        'block-with-child',
        'SIGKILL',
      )
      await expect.poll(() => pids.filter(isAlive)).toEqual([])
      rmSync(folder, { recursive: true })
    },
  )

  it.each(['exit', 'throw', 'two signals'] as const)('end with their parent by %s', async (way) => {
    const relay = { socket: 'unix' } as const
    await expectGone(await ended({ command: node, relay, numWorkers: 2 }, 'block-with-child', way))
  })

  it('end by their parent, also where they are of another make', async () => {
    const command = [process.execPath, program('odd.mjs'), 'has a child and blocks']
    await expectGone(await ended({ command, numWorkers: 1 }, 'hello', 'exit'))
  })
})

describe.skipIf(process.platform !== 'linux')('an idle worker', () => {
  it('takes with it what it has started, and the folder of a parent that was killed', async () => {
    const relay = { socket: 'unix' } as const
    await expectGone(await ended({ command: node, relay, numWorkers: 2 }, 'have-child', 'SIGKILL'))
  })
})

describe('a pool', () => {
  it('takes its listener for the exit of the process off when its workers are gone', async () => {
    const own = (): number => process.listeners('exit').filter(({ name }) => name === 'runAll').length
    const pools = Array.from({ length: 3 }, () => freshPool({ relay: { socket: 'unix' } }).pool)
    await Promise.all(pools.map((pool) => pool.start()))
    expect(own()).toBe(1)
    await Promise.all(pools.map((pool) => pool.destroy()))
    expect(own()).toBe(0)
  })

  it('warns when it runs as the first process of a container', async () => {
    const { logger, lines } = capturedLogger()
    const pid = process.pid
    const stop = new AbortController()
    const pool = new ProcessPool({ command: node, numWorkers: 1 })
    Object.defineProperty(process, 'pid', { value: 1, configurable: true })
    try {
      const run = runAllWorkers([{ name: 'Pool', worker: pool }], stop.signal, { logger })
      expect(await textOf(pool.exec('echo'))).toBe('echo')
      stop.abort()
      await run
    } finally {
      Object.defineProperty(process, 'pid', { value: pid, configurable: true })
    }
    expect(lines.map(({ msg }) => msg).join('\n')).toMatch('docker run --init')
  })

  it('removes the folder of its socket when it is destroyed', async () => {
    let path = ''
    await withPool({ relay: { socket: 'unix' } }, async (pool) => {
      path = (await textOf(pool.exec('env'))).split(' ')[0]!.slice('unix://'.length)
      expect(existsSync(path)).toBe(true)
    })
    expect(existsSync(join(path, '..'))).toBe(false)
  })
})
