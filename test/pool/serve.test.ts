import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { ProcessPoolOptions } from 'runutil/pool'
import { serve } from 'runutil/pool/child'
import { describe, expect, it } from 'vitest'
import { isAlive, node, php, python, textOf, withPool } from '../support/pool/pools.ts'
import { isThere } from '../support/pool/interpreters.ts'

/** A pool in a process of its own, which is then killed. @returns the pids of its workers */
async function orphans(options: ProcessPoolOptions, task?: string): Promise<number[]> {
  const program = fileURLToPath(new URL('programs/parent.mjs', import.meta.url))
  const args = [program, JSON.stringify(options), ...(task === undefined ? [] : [task])]
  const parent = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = (await once(createInterface(parent.stdout), 'line')) as [string]
  const pids = JSON.parse(line) as number[]
  expect(pids.every(isAlive)).toBe(true)
  parent.kill('SIGKILL')
  await once(parent, 'exit')
  return pids
}

describe('the workers of a parent that was killed', () => {
  it.each([
    ['pipes', undefined],
    [{ socket: 'unix' }, undefined],
    [{ socket: 'tcp' }, undefined],
    ['pipes', 'slow 60000'],
    [{ socket: 'unix' }, 'slow 60000'],
    [{ socket: 'tcp' }, 'slow 60000'],
    ['pipes', 'block 500'],
  ] as const)('over %j end, with the task %j', async (relay, task) => {
    const pids = await orphans({ command: node, relay, numWorkers: 3 }, task)
    await expect.poll(() => pids.filter(isAlive)).toEqual([])
  })

  it('that are blocked over a socket end at their next read', async () => {
    const pids = await orphans({ command: node, relay: { socket: 'unix' }, numWorkers: 2 }, 'block 500')
    await expect.poll(() => pids.filter(isAlive)).toEqual([])
  })

  it.each([python, php].filter(([program]) => isThere(program!)))(
    'and written in %s end',
    async (...command) => {
      const pids = await orphans({ command, numWorkers: 2 })
      await expect.poll(() => pids.filter(isAlive)).toEqual([])
    },
  )
})

describe('serve', () => {
  it('lets timers run while it is idle, if it was asked to', async () => {
    await withPool({ command: [...node, 'unblocked'] }, async (pool) => {
      expect(await textOf(pool.exec('tick'))).toBe('ticking')
      await expect.poll(async () => Number(await textOf(pool.exec('ticks')))).toBeGreaterThan(5)
    })
  })

  it('ends a second after it was told to stop, whatever timers are left', async () => {
    await withPool({}, async (pool) => {
      const [worker] = pool.workers
      await pool.exec('tick')
      const { code, stderr } = await worker!.stop()
      expect(code).toBe(0)
      expect(stderr).toMatch('runutil/pool/child: still up 1000 ms after the stop, because of ')
      expect(stderr).toContain('Timeout')
    })
  })

  it('is called once in a process: a second call would read the tasks of the first', async () => {
    await withPool({}, async (pool, { error }) => {
      expect(await textOf(pool.exec('serve-again'))).toBe(
        'serve: expected one call in a process; it serves already',
      )
      expect(await textOf(pool.exec('echo'))).toBe('echo')
      expect(error.values).toEqual([])
    })
  })

  it.each([undefined, 'echo', {}])('refuses %j as its handler', async (handler) => {
    await expect(serve(handler as never)).rejects.toThrow(/serve: expected a function \(payload\) => answer/)
  })
})
