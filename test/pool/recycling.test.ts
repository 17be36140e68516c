import { WorkerError } from 'runutil/pool'
import { describe, expect, it } from 'vitest'
import {
  errorOf,
  expectNothingLeft,
  freshPool,
  isAlive,
  node,
  pidsOf,
  textOf,
  withPool,
} from '../support/pool/pools.ts'

describe('maxExecutions', () => {
  it('1 means a new process for each task', async () => {
    await withPool({ maxExecutions: 1, numWorkers: 2 }, async (pool) => {
      const pids = await Promise.all(Array.from({ length: 6 }, () => textOf(pool.exec('pid'))))
      expect(new Set(pids).size).toBe(6)
    })
  })

  it('counts failed tasks too', async () => {
    await withPool({ maxExecutions: 2 }, async (pool, { destruct }) => {
      const [worker] = pool.workers
      await errorOf(pool.exec('fail'))
      expect(await textOf(pool.exec('pid'))).toBe(`${worker!.pid}`)
      expect(await textOf(pool.exec('pid'))).not.toBe(`${worker!.pid}`)
      expect(destruct.values).toEqual([{ pid: worker!.pid, reason: 'it has done 2 tasks' }])
      expect(await worker!.wait()).toMatchObject({ code: 0, error: undefined })
    })
  })
})

describe('maxMemory', () => {
  const maxMemory = 300 * 1024 * 1024

  it('replaces a worker that has more after its task', async () => {
    await withPool({ maxMemory }, async (pool, { destruct }) => {
      const [worker] = pool.workers
      expect(await textOf(pool.exec('memory 1'))).toBe(`${worker!.pid}`)
      expect(await textOf(pool.exec('memory 400'))).toBe(`${worker!.pid}`)
      expect(await textOf(pool.exec('pid'))).not.toBe(`${worker!.pid}`)
      expect(destruct.values[0]!.reason).toMatch(
        /^it has \d{9} bytes of memory, above 314572800 \(maxMemory\)$/,
      )
    })
  })

  it('replaces within a second or so a worker that grows while it is idle', async () => {
    await withPool({ command: [...node, 'unblocked'], maxMemory }, async (pool, { destruct }) => {
      const [worker] = pool.workers
      expect(await textOf(pool.exec('grow 400'))).toBe('grew')
      const [gone] = await destruct.times(1)
      expect(gone).toMatchObject({ pid: worker!.pid })
      expect(await textOf(pool.exec('pid'))).not.toBe(`${worker!.pid}`)
    })
  })
})

describe('idleTimeout', () => {
  it('stops workers that nobody needs, down to minWorkers, and starts them when somebody does', async () => {
    await withPool(
      { idleTimeout: '50ms', minWorkers: 1, numWorkers: 4 },
      async (pool, { destruct, created }) => {
        await destruct.times(3)
        expect(pool.workers).toHaveLength(1)
        expect(destruct.values[0]!.reason).toBe('it was idle for 50 ms')
        const tasks = Array.from({ length: 8 }, () => textOf(pool.exec('slow 400')))
        await created.times(7)
        expect(pool.workers).toHaveLength(4)
        expect(await Promise.all(tasks)).toEqual(Array(8).fill('slow 400'))
        await destruct.times(6)
        expect(pool.workers).toHaveLength(1)
      },
    )
  })

  it('without minWorkers leaves none, and the next task starts one', async () => {
    await withPool({ idleTimeout: '50ms', numWorkers: 2 }, async (pool, { destruct }) => {
      await destruct.times(2)
      expect(pool.workers).toEqual([])
      expect(await textOf(pool.exec('echo'))).toBe('echo')
      await destruct.times(3)
    })
  })

  it('goes on after a reset that took longer', async () => {
    await withPool({ idleTimeout: '10ms', minWorkers: 1, numWorkers: 3 }, async (pool, { destruct }) => {
      await pool.reset()
      // Three that were reset or had been dismissed, and two of the new ones.
      await destruct.times(5)
      expect(pool.workers).toHaveLength(1)
      expect(await textOf(pool.exec('echo'))).toBe('echo')
    })
  })

  it('lets no worker go that has something to do', async () => {
    await withPool({ idleTimeout: '20ms', minWorkers: 0 }, async (pool) => {
      expect(await textOf(pool.exec('slow 200'))).toBe('slow 200')
    })
  })
})

describe('a worker that asks to be replaced', () => {
  it('is, and its task runs on another without its caller noticing', async () => {
    await withPool({ numWorkers: 2 }, async (pool, { destruct, created }) => {
      const pids = pool.workers.map(({ pid }) => pid)
      expect(await textOf(pool.exec('stop-once'))).toBe('done by another')
      await created.times(3)
      expect(destruct.values.map(({ reason }) => reason)).toEqual(['it asked to be replaced'])
      expect(pids).toContain(destruct.values[0]!.pid)
    })
  })

  it('and those after it too, numWorkers + 1 times in a row, lets the task be rejected', async () => {
    await withPool({ numWorkers: 2 }, async (pool, { created }) => {
      const error = await errorOf(pool.exec('stop'))
      expect(error).toBeInstanceOf(WorkerError)
      expect(error.message).toBe('3 workers in a row asked to be replaced instead of doing the task')
      await created.times(5)
      expect(await textOf(pool.exec('echo'))).toBe('echo')
    })
  })
})

describe('reset', () => {
  it('has all new workers up before the old ones go, each after its task', async () => {
    await withPool({ numWorkers: 2 }, async (pool, { created, destruct }) => {
      const old = [...pool.workers]
      const running = ['slow 3000', 'slow 3000'].map((task) => textOf(pool.exec(task)))
      const done = pool.reset()
      await created.times(4)
      expect(destruct.count).toBe(0)
      expect(old.map(({ state }) => state)).toEqual(['working', 'working'])
      expect(await textOf(pool.exec('echo'))).toBe('echo')
      await done
      expect(await Promise.all(running)).toEqual(['slow 3000', 'slow 3000'])
      expect(old.map(({ pid }) => isAlive(pid))).toEqual([false, false])
      expect(destruct.values.map(({ reason }) => reason)).toEqual(Array(2).fill('the pool was reset'))
      expect(pidsOf(pool.workers)).toEqual(pidsOf(created.values.slice(2)))
    })
  })

  it('whose new workers fail rejects, and the old ones stay', async () => {
    const [command, ...args] = node as [string, ...string[]]
    let broken = false
    const spec = (): { command: string; args: string[] } => ({
      command,
      args: broken ? ['-e', 'process.exit(4)'] : args,
    })
    await withPool({ command: spec, numWorkers: 2 }, async (pool, { destruct }) => {
      const before = pidsOf(pool.workers)
      broken = true
      expect((await errorOf(pool.reset())).message).toMatch('exited with code 4')
      expect(pidsOf(pool.workers)).toEqual(before)
      expect(destruct.count).toBe(0)
      broken = false
      await pool.reset()
      expect(pidsOf(pool.workers).filter((pid) => before.includes(pid))).toEqual([])
    })
  })

  it('waits for a start that is under way, and before one does nothing', async () => {
    const { pool, seen } = freshPool({ numWorkers: 2 })
    await pool.reset()
    expect(seen.created.count).toBe(0)
    await Promise.all([pool.start(), pool.reset()])
    expect(seen.created.count).toBe(4)
    expect(pidsOf(pool.workers)).toEqual(pidsOf(seen.created.values.slice(2)))
    await pool.destroy()
    expectNothingLeft(pool, seen)
  })

  it('several times at once is one after another', async () => {
    await withPool({ numWorkers: 2 }, async (pool, { created }) => {
      await Promise.all([pool.reset(), pool.reset(), pool.reset()])
      expect(created.count).toBe(8)
      expect(pool.workers).toHaveLength(2)
    })
  })

  it('under load loses no task', async () => {
    await withPool({ numWorkers: 2 }, async (pool) => {
      let answered = 0
      let isOver = false
      const caller = async (name: number): Promise<void> => {
        for (let count = 0; !isOver; count++) {
          const task = `echo ${name} ${count}`
          expect(await textOf(pool.exec(task))).toBe(task)
          answered++
        }
      }
      const callers = Array.from({ length: 8 }, (_, name) => caller(name))
      for (let count = 0; count < 5; count++) await pool.reset()
      isOver = true
      await Promise.all(callers)
      expect(answered).toBeGreaterThan(100)
    })
  })
})
