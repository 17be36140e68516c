import { fileURLToPath } from 'node:url'
import type { ProcessPool } from 'runutil/pool'
import { describe, expect, it } from 'vitest'
import { errorOf, freshPool, node, textOf, withPool } from '../support/pool/pools.ts'

/** What becomes of tasks that are given at once: their answers, or the names of their errors. */
function all(pool: ProcessPool, tasks: readonly string[]): Promise<string[]> {
  return Promise.all(tasks.map((task) => textOf(pool.exec(task)).catch((error: Error) => error.name)))
}

describe('maxQueue', () => {
  it.each([
    [0, ['slow 300', 'slow 300', 'slow 300', 'QueueFullError', 'QueueFullError']],
    [1, ['slow 300', 'slow 300', 'slow 300', 'slow 300', 'QueueFullError']],
  ])('of %d counts no task that a worker may be started for', async (maxQueue, came) => {
    await withPool({ numWorkers: 3, idleTimeout: '50ms', maxQueue }, async (pool, { destruct }) => {
      await destruct.times(3)
      expect(await all(pool, Array<string>(5).fill('slow 300'))).toEqual(came)
    })
  })

  it('of 0 lets as many tasks in as workers are starting', async () => {
    const { pool } = freshPool({ numWorkers: 2, maxQueue: 0 })
    const early = all(pool, ['a', 'b', 'c'])
    await pool.start()
    expect(await early).toEqual(['a', 'b', 'QueueFullError'])
    await pool.destroy()
  })

  it('counts those that wait while all workers are at work', async () => {
    await withPool({ numWorkers: 2, maxQueue: 1 }, async (pool) => {
      const answers = await all(pool, ['slow 300', 'slow 300', 'a', 'b'])
      expect(answers).toEqual(['slow 300', 'slow 300', 'a', 'QueueFullError'])
    })
  })

  it('has room for the task of a worker that is being replaced', async () => {
    await withPool({ numWorkers: 1, maxQueue: 0 }, async (pool) => {
      await errorOf(pool.exec('exit 1'))
      expect(await all(pool, ['a', 'b'])).toEqual(['a', 'QueueFullError'])
    })
  })
})

describe('what was sent ahead to a worker that asked to be replaced', () => {
  const command = [process.execPath, fileURLToPath(new URL('programs/stopping.mjs', import.meta.url))]
  const tasks = Array.from({ length: 40 }, (_, at) => `task ${at}`)

  it.each(['exit', 'signal'])('is done by others when it ends by %s', async (way) => {
    await withPool({ command: [...command, way], numWorkers: 2, pipelining: 8 }, async (pool) => {
      const answers = await all(pool, tasks)
      // One that was killed may have begun the first of them.
      const lost = answers.filter((answer) => answer === 'WorkerError')
      expect(answers.filter((answer, at) => answer === tasks[at])).toHaveLength(40 - lost.length)
      if (way === 'exit') expect(lost).toEqual([])
      else expect(lost.length).toBeLessThanOrEqual(40 / 5)
    })
  })

  it('and what it answers after that are counted: the next may have been begun', async () => {
    await withPool({ command: [...command, 'two more'], numWorkers: 1, pipelining: 8 }, async (pool) => {
      const answers = await all(pool, tasks.slice(0, 10))
      // Five are answered, the sixth asks, two more are answered, and with the next it is gone.
      expect(answers.map((answer) => answer === 'WorkerError')).toEqual(
        [false, false, false, false, false, false, false, false, true, false].map(
          (lost, at) => lost && at === 8,
        ),
      )
    })
  })
})

describe('a task that was sent ahead', () => {
  it('is not told that it was in the middle when its worker dies', async () => {
    await withPool({ pipelining: 3 }, async (pool) => {
      const tasks = ['exit 7', 'echo 1', 'echo 2'].map((task) => errorOf(pool.exec(task)))
      const [first, ...ahead] = await Promise.all(tasks)
      expect(first!.message).toMatch(/exited with code 7 in the middle of a task$/)
      for (const error of ahead) {
        expect(error).toMatchObject({ name: 'WorkerError', exitCode: 7 })
        expect(error.message).toMatch(/exited with code 7; it had been sent this task ahead of its turn/)
      }
    })
  })
})

describe('stats', () => {
  it('tells what waits, what runs and how many workers there are', async () => {
    await withPool({ command: node, numWorkers: 2 }, async (pool) => {
      expect(pool.stats()).toEqual({ waiting: 0, running: 0, workers: 2 })
      const tasks = all(pool, ['slow 200', 'slow 200', 'a', 'b', 'c'])
      expect(pool.stats()).toEqual({ waiting: 3, running: 2, workers: 2 })
      await tasks
      expect(pool.stats()).toEqual({ waiting: 0, running: 0, workers: 2 })
    })
  })
})
