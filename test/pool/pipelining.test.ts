import { fileURLToPath } from 'node:url'
import { type ProcessPoolOptions, TaskTimeoutError, WorkerError } from 'runutil/pool'
import { describe, expect, it } from 'vitest'
import { errorOf, textOf, withPool } from '../support/pool/pools.ts'

const each = <T>(count: number, task: (at: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, at) => task(at)))

describe('with pipelining', () => {
  it.each<Partial<ProcessPoolOptions>>([
    {},
    { relay: { socket: 'unix' }, protocol: 'goridge2-legacy' },
    { relay: { socket: 'tcp' }, protocol: 'goridge3' },
  ])('each of many tasks over %j has its own answer', async (options) => {
    await withPool({ ...options, pipelining: 8, numWorkers: 2 }, async (pool) => {
      const body = (at: number): string => `echo ${at} `.padEnd(at % 10 === 0 ? 70_000 : 50, 'x')
      const answers = await each(300, (at) => textOf(pool.exec(body(at))))
      expect(answers).toEqual(Array.from({ length: 300 }, (_, at) => body(at)))
      expect(pool.workers.map(({ state }) => state)).toEqual(['ready', 'ready'])
      expect(pool.workers.reduce((sum, { numExecs }) => sum + numExecs, 0)).toBe(300)
    })
  })

  it('a handler that begins something and does not await it has it go on between tasks', async () => {
    const command = [process.execPath, fileURLToPath(new URL('programs/beginning.mjs', import.meta.url))]
    await withPool({ command, pipelining: 8 }, async (pool) => {
      const seen = await each(40, () => textOf(pool.exec('how many have been done?')))
      expect(seen).toEqual(Array.from({ length: 40 }, (_, at) => String(at)))
    })
  })

  it('a worker that is free has a task before one is sent ahead', async () => {
    await withPool({ pipelining: 8, numWorkers: 2 }, async (pool) => {
      const slow = textOf(pool.exec('slow 300'))
      const quick = textOf(pool.exec('echo quick'))
      expect(await Promise.race([slow, quick])).toBe('echo quick')
      expect(await slow).toBe('slow 300')
    })
  })

  it('a worker that dies takes with it what it was sent, and no more', async () => {
    await withPool({ pipelining: 3 }, async (pool, { created }) => {
      const tasks = ['exit 1', 'echo 1', 'echo 2', 'echo 3', 'echo 4'].map((task) => textOf(pool.exec(task)))
      const settled = await Promise.allSettled(tasks)
      const broken = settled.filter(({ status }) => status === 'rejected') as PromiseRejectedResult[]
      expect(broken.map(({ reason }) => reason instanceof WorkerError)).toEqual([true, true, true])
      expect(settled.slice(3)).toMatchObject([{ value: 'echo 3' }, { value: 'echo 4' }])
      expect(created.count).toBe(2)
    })
  })

  it('a task that is aborted before its turn kills no worker, and takes no other answer', async () => {
    await withPool({ pipelining: 3 }, async (pool, { created }) => {
      const stop = new AbortController()
      const first = textOf(pool.exec('slow 100'))
      const aborted = errorOf(pool.exec('echo aborted', { signal: stop.signal }))
      const last = textOf(pool.exec('echo last'))
      stop.abort(new Error('no longer wanted'))
      expect((await aborted).message).toBe('no longer wanted')
      expect([await first, await last]).toEqual(['slow 100', 'echo last'])
      expect(pool.workers[0]!.numExecs).toBe(3)
      expect(created.count).toBe(1)
    })
  })

  it('the timeout of a task runs from its turn, and takes the worker with all that it was sent', async () => {
    await withPool({ pipelining: 3 }, async (pool, { created }) => {
      const first = textOf(pool.exec('slow 400'))
      const second = textOf(pool.exec('echo in time', { timeout: '300ms' }))
      expect([await first, await second]).toEqual(['slow 400', 'echo in time'])
      const late = errorOf(pool.exec('slow 60000', { timeout: '50ms' }))
      const behind = errorOf(pool.exec('echo behind'))
      expect(await late).toBeInstanceOf(TaskTimeoutError)
      expect(await behind).toBeInstanceOf(WorkerError)
      await created.times(2)
    })
  })

  it('no worker does more than maxExecutions, and no task is lost', async () => {
    await withPool({ pipelining: 4, maxExecutions: 6, numWorkers: 2 }, async (pool, { created }) => {
      const pids = await each(60, () => textOf(pool.exec('pid')))
      const counts = new Map<string, number>()
      for (const pid of pids) counts.set(pid, (counts.get(pid) ?? 0) + 1)
      expect(Math.max(...counts.values())).toBe(6)
      expect(created.count).toBeGreaterThanOrEqual(10)
    })
  })

  it('a worker that asks to be replaced does what it was sent before, and its task runs on another', async () => {
    await withPool({ pipelining: 4, numWorkers: 1 }, async (pool, { created }) => {
      const answers = ['stop-once', 'echo 1', 'echo 2', 'echo 3', 'echo 4'].map((task) =>
        textOf(pool.exec(task)),
      )
      expect(await Promise.all(answers)).toEqual(['done by another', 'echo 1', 'echo 2', 'echo 3', 'echo 4'])
      await created.times(2)
    })
  })

  it('a reset and a destroy let all that was sent end', async () => {
    await withPool({ pipelining: 4, numWorkers: 2 }, async (pool) => {
      const tasks = each(40, (at) => textOf(pool.exec(`slow ${at % 5}`)))
      await pool.reset()
      expect(await tasks).toHaveLength(40)
      const last = each(8, () => textOf(pool.exec('slow 20')))
      await pool.destroy()
      expect(await last).toEqual(Array(8).fill('slow 20'))
    })
  })
})
