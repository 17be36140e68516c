import { WorkerGroupError, backoff, healthSnapshot, runAllWorkers } from 'runutil'
import { PoolDestroyedError, ProcessPool } from 'runutil/pool'
import { Probe } from 'runutil/testing'
import { describe, expect, it } from 'vitest'
import { capturedLogger } from '../support/logs.ts'
import { errorOf, expectNothingLeft, freshPool, node, odd, pidsOf, textOf } from '../support/pool/pools.ts'

const quiet = { logger: capturedLogger().logger }

describe('a pool in a list of workers', () => {
  it('starts with the group, and when that stops lets running tasks end first', async () => {
    const { pool, seen } = freshPool({ numWorkers: 2 })
    const stop = new AbortController()
    const running = new Probe<Promise<string>>('running')
    const user = async (): Promise<void> => {
      running.hit(textOf(pool.exec('slow 300')))
      await new Promise<void>((resolve) => stop.signal.addEventListener('abort', () => resolve()))
    }
    const ended = runAllWorkers([{ name: 'Pool', worker: pool }, user], stop.signal, quiet)
    void (await running.times(1))
    await seen.created.times(2)
    stop.abort()
    await ended
    const [answer] = running.values
    expect(await answer).toBe('slow 300')
    expectNothingLeft(pool, seen)
    expect(await errorOf(pool.exec('echo'))).toBeInstanceOf(PoolDestroyedError)
  })

  it('that cannot start stops the group with its error', async () => {
    const { pool, seen } = freshPool({ command: odd('exits at once, loudly') })
    const other = (signal: AbortSignal): Promise<void> =>
      new Promise((resolve) => signal.addEventListener('abort', () => resolve()))
    const error = await errorOf(runAllWorkers([{ name: 'Pool', worker: pool }, other], undefined, quiet))
    expect(error).toBeInstanceOf(WorkerGroupError)
    expect((error as WorkerGroupError).errors).toMatchObject([{ name: 'HandshakeError' }])
    expectNothingLeft(pool, seen)
  })

  it("sends each line of its workers' stderr to the group's logger, by the pool's name", async () => {
    const { pool } = freshPool()
    const { logger, lines } = capturedLogger()
    const stop = new AbortController()
    const ended = runAllWorkers([{ name: 'Pool', worker: pool }], stop.signal, { logger })
    expect(await textOf(pool.exec('warn'))).toBe('warned')
    const { pid } = pool.workers[0]!
    await expect.poll(() => lines.filter(({ msg }) => /one|two/.test(msg))).toHaveLength(2)
    stop.abort()
    await ended
    expect(lines.slice(0, 2)).toMatchObject([
      { msg: 'one', worker: '/Pool', workerPid: pid, stream: 'stderr' },
      { msg: 'two', worker: '/Pool', workerPid: pid, stream: 'stderr' },
    ])
  })

  it("is 'init' until a worker is up, 'firing' from when one breaks until the next is up", async () => {
    const { pool, seen } = freshPool()
    const health: unknown[] = []
    const stop = new AbortController()
    const look = async (signal: AbortSignal): Promise<void> => {
      const note = (): void => void health.push(healthSnapshot()['/Pool'])
      note()
      await seen.created.times(1)
      note()
      await errorOf(pool.exec('exit 3'))
      await seen.error.times(1)
      note()
      await seen.created.times(2)
      note()
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
    }
    pool.on('created', () => seen.created.count === 2 && setImmediate(() => stop.abort()))
    await runAllWorkers([{ name: 'Pool', worker: pool }, look], stop.signal, quiet)
    expect(health).toEqual(['init', 'ok', 'firing', 'ok'])
  })

  it('with an aborted signal does nothing', async () => {
    const { pool, seen } = freshPool()
    await pool.run(AbortSignal.abort())
    expect(seen.created.count).toBe(0)
    await pool.destroy()
  })

  it('that is run twice ends both runs when one is told to', async () => {
    const { pool, seen } = freshPool()
    const stop = new AbortController()
    const runs = [pool.run(new AbortController().signal), pool.run(stop.signal)]
    await seen.created.times(1)
    stop.abort()
    await Promise.all(runs)
    expectNothingLeft(pool, seen)
  })

  it('ends its run when it is destroyed by somebody else', async () => {
    const { pool, seen } = freshPool()
    const ended = pool.run(new AbortController().signal)
    await seen.created.times(1)
    await pool.destroy()
    await ended
    expectNothingLeft(pool, seen)
  })

  it.each([undefined, { socket: 'unix' }] as const)('can run again: new processes, by %j', async (relay) => {
    const { pool, seen } = freshPool({ numWorkers: 2, ...(relay && { relay }) })
    const pids = new Set<number>()
    for (let time = 1; time <= 3; time++) {
      const stop = new AbortController()
      const ended = pool.run(stop.signal)
      // Waits for the start, as before the first one.
      expect(await textOf(pool.exec('echo'))).toBe('echo')
      for (const pid of pidsOf(pool.workers)) pids.add(pid)
      const waiting = ['slow 50', 'slow 50', 'echo'].map((task) => pool.exec(task))
      stop.abort()
      await errorOf(waiting[2]!)
      expect(await Promise.all(waiting.slice(0, 2).map(textOf))).toEqual(['slow 50', 'slow 50'])
      await ended
      for (const refused of [pool.exec('echo'), pool.start()]) {
        expect(await errorOf(refused)).toMatchObject({
          name: 'PoolDestroyedError',
          message: 'the pool was stopped: it takes no tasks until it is run again',
        })
      }
    }
    expect(pids.size).toBe(6)
    expectNothingLeft(pool, seen)
    await pool.destroy()
    const again = await errorOf(pool.run(new AbortController().signal))
    expect(again.message).toBe('the pool is destroyed: it takes no more tasks')
  })

  it('runs again only when it has ended, also if that takes long, and not at all if it is stopped meanwhile', async () => {
    const { pool, seen } = freshPool()
    const stops = [1, 2, 3].map(() => new AbortController())
    const first = pool.run(stops[0]!.signal)
    await seen.created.times(1)
    const slow = textOf(pool.exec('slow 200'))
    stops[0]!.abort()
    const second = pool.run(stops[1]!.signal)
    const third = pool.run(stops[2]!.signal)
    stops[1]!.abort()
    expect(await errorOf(pool.exec('echo'))).toBeInstanceOf(PoolDestroyedError)
    expect(seen.created.count).toBe(1)
    await Promise.all([first, second])
    expect(await slow).toBe('slow 200')
    expect(await textOf(pool.exec('echo'))).toBe('echo')
    expect(seen.created.count).toBe(2)
    const destroyed = pool.destroy()
    await third
    await destroyed
    expectNothingLeft(pool, seen)
  })

  it('is destroyed for good also while its run ends', async () => {
    const { pool, seen } = freshPool()
    const stop = new AbortController()
    const run = pool.run(stop.signal)
    await seen.created.times(1)
    stop.abort()
    const again = errorOf(pool.run(new AbortController().signal))
    await pool.destroy()
    expect(await again).toBeInstanceOf(PoolDestroyedError)
    await run
    expectNothingLeft(pool, seen)
  })

  it('that cannot start is tried again by the retry of its entry', async () => {
    let tries = 0
    const [command, ...args] = node as [string, ...string[]]
    const spec = () => ({ command, args: ++tries === 1 ? ['-e', 'process.exit(4)'] : args })
    const { pool, seen } = freshPool({ command: spec })
    const stop = new AbortController()
    const entry = { name: 'Pool', worker: pool, retry: backoff('10ms') }
    const ended = runAllWorkers([entry], stop.signal, quiet)
    await seen.created.times(1)
    expect(await textOf(pool.exec('echo'))).toBe('echo')
    stop.abort()
    await ended
    expectNothingLeft(pool, seen)
  })

  it('that nobody listens to throws nothing for its errors', async () => {
    const pool = new ProcessPool({ command: node, numWorkers: 1 })
    await pool.start()
    expect(await errorOf(pool.exec('exit 1'))).toMatchObject({ name: 'WorkerError' })
    expect(await textOf(pool.exec('echo'))).toBe('echo')
    await pool.destroy()
  })
})
