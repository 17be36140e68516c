import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { ProcessPool } from 'runutil/pool'
import { describe, expect, it } from 'vitest'
import { errorOf, node, pidsOf, textOf, withPool } from '../support/pool/pools.ts'

const told = (worker: number, since = ''): RegExp =>
  new RegExp(
    `worker ${worker} was ended by SIGKILL in the middle of a task: it was still running 300 ms \\(destroyTimeout\\) after its worker was asked to end${since}$`,
  )

describe('a task that never ends', () => {
  it.each<[string, (pool: ProcessPool) => Promise<unknown>, string?]>([
    ['reset', (pool) => pool.reset(), ', since the pool was reset'],
    [
      'remove',
      (pool) => Promise.resolve(pool.remove(pool.workers[0]!, 'it looks tired')),
      ', since it looks tired',
    ],
    ['stop', (pool) => pool.workers[0]!.stop()],
  ])('is rejected, and its worker killed, destroyTimeout after %s', async (_, end, since) => {
    await withPool({ destroyTimeout: '300ms' }, async (pool, { created, destruct }) => {
      const [worker] = pool.workers
      const hung = errorOf(pool.exec('block 60000'))
      await end(pool)
      expect((await hung).message).toMatch(told(worker!.pid, since))
      await created.times(2)
      expect(destruct.values.map(({ pid }) => pid)).toEqual([worker!.pid])
      expect(await textOf(pool.exec('echo'))).toBe('echo')
    })
  })

  it('is rejected destroyTimeout after its worker was found too large', async () => {
    const maxMemory = 300 * 1024 * 1024
    await withPool({ command: [...node, 'unblocked'], maxMemory, destroyTimeout: '300ms' }, async (pool) => {
      const [worker] = pool.workers
      const { message } = await errorOf(pool.exec('grow-and-hang 400'))
      expect(message).toMatch(
        told(worker!.pid, ', since it has \\d{9} bytes of memory, above 314572800 \\(maxMemory\\)'),
      )
      expect(await textOf(pool.exec('echo'))).toBe('echo')
    })
  })

  it('that was sent ahead of a worker that goes is not waited for either', async () => {
    await withPool({ destroyTimeout: '300ms', pipelining: 3 }, async (pool) => {
      const tasks = ['block 60000', 'echo 1', 'echo 2'].map((task) => errorOf(pool.exec(task)))
      await pool.reset()
      const [first, ...ahead] = await Promise.all(tasks)
      expect(first!.message).toMatch('in the middle of a task')
      for (const { message } of ahead) {
        expect(message).toMatch('it had been sent this task ahead of its turn')
        expect(message).not.toMatch('in the middle of a task')
      }
    })
  })
})

describe('a signal to all processes of a service', () => {
  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    '%s ends no worker, at work, idle or blocked, whatever its relay',
    async (signal) => {
      for (const relay of ['pipes', { socket: 'unix' }] as const) {
        await withPool({ relay, numWorkers: 3 }, async (pool, { destruct }) => {
          const running = [textOf(pool.exec('slow 300')), textOf(pool.exec('block 300'))]
          for (const pid of pidsOf(pool.workers)) process.kill(pid, signal)
          expect(await Promise.all(running)).toEqual(['slow 300', 'timed-out'])
          expect(await textOf(pool.exec('echo'))).toBe('echo')
          expect(destruct.count).toBe(0)
        })
      }
    },
  )

  it('lets a worker end as usual once it was told to stop', async () => {
    const program = fileURLToPath(new URL('programs/after-serve.mjs', import.meta.url))
    await withPool({ command: [process.execPath, program] }, async (pool) => {
      const [worker] = pool.workers
      const ended = worker!.stop()
      const { signal } = await ended
      // It sends itself the signal when serve has resolved.
      expect(signal).toBe('SIGTERM')
    })
  })

  it('lets the tasks of a group that stops end', async () => {
    const program = fileURLToPath(new URL('programs/service.mjs', import.meta.url))
    const service = spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'inherit'] })
    const lines: string[] = []
    const output = createInterface(service.stdout)
    const [first] = (await once(output, 'line')) as [string]
    output.on('line', (line) => lines.push(line))
    process.kill(Number(first), 'SIGTERM')
    service.kill('SIGTERM')
    const [code] = (await once(service, 'exit')) as [number]
    expect({ lines, code }).toEqual({ lines: ['task done'], code: 0 })
  })
})
