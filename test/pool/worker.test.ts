import { JobError, WorkerProcess, WorkerStateError } from 'runutil/pool'
import { describe, expect, it } from 'vitest'
import { errorOf, isAlive, odd, textOf, withPool } from '../support/pool/pools.ts'

describe('a WorkerProcess', () => {
  it('runs a task itself, past those that wait for the pool', async () => {
    await withPool({}, async (pool) => {
      const worker = pool.workers[0]!
      const before = worker.updated
      expect(before.getTime()).toBeLessThanOrEqual(Date.now())
      expect(await textOf(worker.exec('pid'))).toBe(`${worker.pid}`)
      expect(await errorOf(worker.exec('fail'))).toBeInstanceOf(JobError)
      const running = textOf(worker.exec('slow 50'))
      expect(worker.state).toBe('working')
      const waiting = textOf(pool.exec('pool'))
      const refused = await errorOf(worker.exec('echo'))
      expect(refused).toBeInstanceOf(WorkerStateError)
      expect(refused.message).toMatch('this worker is working, not ready for a task')
      expect([await running, await waiting]).toEqual(['slow 50', 'pool'])
      expect(worker).toMatchObject({ state: 'ready', numExecs: 4 })
      expect(worker.updated.getTime()).toBeGreaterThanOrEqual(before.getTime())
    })
  })

  it('has public members only in its types', async () => {
    await withPool({}, async (pool) => {
      const members: Record<keyof WorkerProcess & string, true> = {
        pid: true,
        state: true,
        numExecs: true,
        updated: true,
        exec: true,
        stop: true,
        kill: true,
        wait: true,
        toJSON: true,
      }
      const worker = pool.workers[0]!
      expect(worker).toBeInstanceOf(WorkerProcess)
      for (const name of Object.keys(members)) expect(name in worker).toBe(true)
    })
  })

  it('that asks to be replaced instead of doing a task that it was given itself is', async () => {
    await withPool({}, async (pool, { created, destruct }) => {
      const worker = pool.workers[0]!
      const error = await errorOf(worker.exec('stop'))
      expect(error.message).toBe(`worker ${worker.pid} asked to be replaced instead of doing the task`)
      await created.times(2)
      expect(destruct.values).toEqual([{ pid: worker.pid, reason: 'it asked to be replaced' }])
    })
  })

  it('counts the tasks that it was given itself to maxExecutions', async () => {
    await withPool({ maxExecutions: 2 }, async (pool, { created }) => {
      const worker = pool.workers[0]!
      await worker.exec('a')
      await worker.exec('b')
      await created.times(2)
      expect(worker.state).not.toBe('ready')
    })
  })

  it('that is stopped but deaf is replaced while it is waited for', async () => {
    await withPool({ command: odd('ignores stop'), destroyTimeout: '2s' }, async (pool) => {
      const worker = pool.workers[0]!
      const stopped = worker.stop()
      expect(await textOf(pool.exec('echo'))).toBe('echo')
      expect(worker.state).toBe('stopping')
      void worker.kill()
      expect(await stopped).toMatchObject({ signal: 'SIGKILL', error: undefined })
    })
  })

  it('that is stopped ends after its task and is replaced', async () => {
    await withPool({}, async (pool, { created }) => {
      const worker = pool.workers[0]!
      const running = textOf(pool.exec('slow 100'))
      const exit = worker.stop()
      expect(await running).toBe('slow 100')
      expect(await exit).toEqual({ code: 0, signal: null, stderr: '', error: undefined })
      expect(worker.state).toBe('stopped')
      await created.times(2)
      expect(await textOf(pool.exec('echo'))).toBe('echo')
    })
  })

  it('that is killed as it works ends at once, and its task fails', async () => {
    await withPool({}, async (pool, { created }) => {
      const worker = pool.workers[0]!
      const running = errorOf(pool.exec('block 60000'))
      expect(await worker.kill()).toMatchObject({ code: null, signal: 'SIGKILL', error: undefined })
      expect(await running).toMatchObject({ name: 'WorkerError', signal: 'SIGKILL' })
      await created.times(2)
    })
  })

  it('that is told to stop can be killed while it takes its time', async () => {
    await withPool({ command: odd('ignores stop') }, async (pool) => {
      const worker = pool.workers[0]!
      const stopped = worker.stop()
      expect(worker.state).toBe('stopping')
      expect(await worker.kill()).toMatchObject({ signal: 'SIGKILL' })
      expect(await stopped).toMatchObject({ signal: 'SIGKILL' })
      expect(await worker.wait()).toMatchObject({ signal: 'SIGKILL' })
    })
  })

  it('that is told to stop as it works can be killed all the same', async () => {
    await withPool({}, async (pool, { created }) => {
      const worker = pool.workers[0]!
      const running = errorOf(pool.exec('block 60000'))
      const stopped = worker.stop()
      expect(worker.state).toBe('working')
      void worker.kill()
      expect(await stopped).toMatchObject({ signal: 'SIGKILL' })
      expect(await running).toMatchObject({ name: 'WorkerError' })
      await created.times(2)
    })
  })

  it('that is removed while it is idle stops at once', async () => {
    await withPool({ numWorkers: 2 }, async (pool, { created, destruct }) => {
      const worker = pool.workers[0]!
      expect(pool.remove(worker, 'it looks tired')).toBe(true)
      expect(destruct.count).toBe(1)
      expect(await worker.wait()).toMatchObject({ code: 0, error: undefined })
      await created.times(3)
      expect(pool.workers).toHaveLength(2)
    })
  })

  it('that does not end within destroyTimeout of its stop is killed', async () => {
    await withPool({ command: odd('ignores stop'), destroyTimeout: '200ms' }, async (pool) => {
      expect(await pool.workers[0]!.stop()).toMatchObject({ signal: 'SIGKILL', error: undefined })
    })
  })

  it('that is removed is replaced after its task; the second time it is going already', async () => {
    await withPool({}, async (pool, { destruct, created }) => {
      const worker = pool.workers[0]!
      const running = textOf(pool.exec('slow 100'))
      expect(pool.remove(worker, 'it looks tired')).toBe(true)
      expect(pool.remove(worker, 'again')).toBe(false)
      expect(destruct.count).toBe(0)
      expect(pool.workers).toEqual([])
      expect(await running).toBe('slow 100')
      expect(destruct.values).toEqual([{ pid: worker.pid, reason: 'it looks tired' }])
      await created.times(2)
      await worker.wait()
      expect(isAlive(worker.pid)).toBe(false)
      expect(pool.remove(worker, 'it is gone')).toBe(false)
    })
  })
})
