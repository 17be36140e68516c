import { getEventListeners } from 'node:events'
import { AllocateTimeoutError, QueueFullError, TaskTimeoutError, WorkerError } from 'runutil/pool'
import { runAllWorkers } from 'runutil'
import { describe, expect, it } from 'vitest'
import { capturedLogger } from '../support/logs.ts'
import { errorOf, isAlive, node, freshPool, odd, pidsOf, textOf, withPool } from '../support/pool/pools.ts'

describe('a worker', () => {
  it.each([
    ['announces too much', /broke the protocol .* at most 67108864 bytes \(maxFrame\), not of 1099511627776/],
    [
      'answers a broken prefix',
      /broke the protocol in the middle of a task and was killed: expected .*got "xxxxxxxx.*; over pipes stdout is the relay: print to stderr/,
    ],
    ['answers the body first', /expected a control frame first \(flags 4\)/],
    ['answers half and exits', 'exited with code 0 in the middle of a task'],
  ])('that %s is replaced, and its task rejected', async (way, said) => {
    await withPool({ command: odd(way) }, async (pool, { created, destruct, error }) => {
      const [worker] = pool.workers
      const failure = await errorOf(pool.exec('hello'))
      expect(failure).toBeInstanceOf(WorkerError)
      expect(failure.message).toMatch(said)
      await created.times(2)
      expect(destruct.values).toEqual([{ pid: worker!.pid, reason: failure.message }])
      expect(error.values).toEqual([{ error: failure, pid: worker!.pid }])
      expect(isAlive(worker!.pid)).toBe(false)
    })
  })

  it('that answers twice is replaced, and the first answer counts', async () => {
    await withPool({ command: odd('answers twice') }, async (pool, { created, error }) => {
      expect(await textOf(pool.exec('hello'))).toBe('hello')
      await created.times(2)
      expect(error.values[0]!.error.message).toMatch('expected nothing')
    })
  })

  it('that closes its stdout and goes on is killed', async () => {
    await withPool({ command: odd('closes its stdout') }, async (_, { error }) => {
      const [first] = await error.times(1)
      expect(first!.error.message).toMatch('it closed its relay and went on')
      expect(isAlive(first!.pid!)).toBe(false)
    })
  })

  it('that closes its stdin is killed, and its task rejected', async () => {
    await withPool(
      { command: odd('closes its stdin'), destroyTimeout: '200ms' },
      async (pool, { created }) => {
        expect(await textOf(pool.exec('hello'))).toBe('hello')
        const error = await errorOf(pool.exec('anybody there?'))
        expect(error).toBeInstanceOf(WorkerError)
        await created.times(2)
      },
    )
  })

  it('that answers half and goes on is killed when its task has timed out', async () => {
    await withPool({ command: odd('answers half') }, async (pool, { created }) => {
      expect(await errorOf(pool.exec('hello', { timeout: '100ms' }))).toBeInstanceOf(TaskTimeoutError)
      await created.times(2)
    })
  })

  it('that is sent SIGUSR1, as for a debugger, goes on', async () => {
    await withPool({}, async (pool, { destruct }) => {
      process.kill(pool.workers[0]!.pid, 'SIGUSR1')
      expect(await textOf(pool.exec('echo'))).toBe('echo')
      expect(destruct.count).toBe(0)
    })
  })

  it.each([
    ['exit 0', 0],
    ['exit 1', 1],
    ['exit 255', 255],
  ])('that does %j in a task is replaced, and says with which code it ended', async (task, exitCode) => {
    await withPool({}, async (pool) => {
      expect(await errorOf(pool.exec(task))).toMatchObject({ name: 'WorkerError', exitCode })
      expect(await textOf(pool.exec('echo'))).toBe('echo')
    })
  })

  it('that dies idle is replaced at once, and no task fails', async () => {
    await withPool({ numWorkers: 2 }, async (pool, { created, destruct, error }) => {
      const [victim] = pool.workers
      process.kill(victim!.pid, 'SIGKILL')
      await created.times(3)
      expect(pool.workers).toHaveLength(2)
      expect(pidsOf(pool.workers)).not.toContain(victim!.pid)
      expect(error.values[0]!.error).toMatchObject({ signal: 'SIGKILL', pid: victim!.pid })
      expect(destruct.values[0]!.reason).toMatch('was ended by SIGKILL while idle')
      expect(victim!.state).toBe('errored')
      expect(await textOf(pool.exec('echo'))).toBe('echo')
    })
  })

  it('that prints to stdout in pipes mode is replaced, and what it printed is shown', async () => {
    await withPool({}, async (pool) => {
      expect((await errorOf(pool.exec('print'))).message).toMatch('got "debug: 1')
      expect(await textOf(pool.exec('echo'))).toBe('echo')
    })
  })

  it('may print to stdout over a socket', async () => {
    await withPool({ relay: { socket: 'unix' } }, async (pool) => {
      expect(await textOf(pool.exec('print'))).toBe('printed')
    })
  })

  it('has the last 64 KiB of its stderr in its error, cut at a line', async () => {
    await withPool({}, async (pool) => {
      const { stderr } = (await errorOf(pool.exec('warn-much'))) as WorkerError
      expect(stderr.length).toBeLessThanOrEqual(65_536)
      // Of 655.36 lines, those that are whole.
      expect(stderr.trimEnd().split('\n')).toEqual(Array(655).fill('y'.repeat(99)))
    })
  })

  it('has the end of a line that is longer than that, cut at a character, and each of its parts in the log', async () => {
    const { logger, lines } = capturedLogger()
    const { pool } = freshPool()
    const stop = new AbortController()
    const ended = runAllWorkers([{ name: 'Pool', worker: pool }], stop.signal, { logger })
    const { stderr } = (await errorOf(pool.exec('warn-long'))) as WorkerError
    expect(stderr).toMatch(/^é{32700,32768}!\n$/)
    stop.abort()
    await ended
    const printed = lines.flatMap(({ msg, worker }) =>
      msg !== 'a worker process failed' && worker === '/Pool' ? [msg] : [],
    )
    expect(printed.join('|')).not.toContain('\ufffd')
    expect(printed.join('')).toBe(`first${'é'.repeat(80_000)}!`)
  })
})

describe('replacements', () => {
  const [command, ...args] = node as [string, ...string[]]
  const [, ...bad] = odd('exits at once, loudly')

  it('that all fail let exec say what stderr said, and the pool recovers when they do', async () => {
    let broken = false
    const spec = (): { command: string; args: string[] } => ({ command, args: broken ? bad : args })
    await withPool({ command: spec, allocateTimeout: '3s' }, async (pool, { error }) => {
      broken = true
      await errorOf(pool.exec('exit 1'))
      const failure = (await errorOf(pool.exec('echo'))) as AllocateTimeoutError
      expect(failure).toBeInstanceOf(AllocateTimeoutError)
      expect(failure.message).toMatch(/within 3000 ms .*the last replacement failed: .*no such module/s)
      expect(failure.stderr).toBe('no such module\n')
      // One at once, then after 100 ms, 200, 400 and so on, each with jitter.
      expect(error.count).toBeLessThan(12)
      broken = false
      expect(await textOf(retried(() => pool.exec('echo')))).toBe('echo')
    })
  })

  it('that keep dying idle come ever more slowly', async () => {
    const spec = odd('dies after its greeting')
    await withPool({ command: spec }, async (_, { created }) => {
      const times: number[] = []
      for (let count = 1; count <= 5; count++) {
        await created.times(count)
        times.push(performance.now())
      }
      // Each comes at least so long after the one before: at once, then half of 100 ms, 200 ms and 400 ms.
      const waits = times.slice(1).map((at, index) => at - times[index]!)
      for (const [index, atLeast] of [0, 50, 100, 200].entries()) {
        expect(waits[index]).toBeGreaterThanOrEqual(atLeast)
      }
    })
  })
})

describe('a task', () => {
  it('that takes longer than its timeout takes its worker with it', async () => {
    await withPool({}, async (pool, { destruct, created }) => {
      const [worker] = pool.workers
      const late = errorOf(pool.exec('block 60000', { timeout: '100ms' }))
      // The time that it waits for a worker doesn't count.
      const patient = textOf(pool.exec('slow 10', { timeout: '5s' }))
      expect(await late).toBeInstanceOf(TaskTimeoutError)
      expect(await patient).toBe('slow 10')
      expect(destruct.values[0]).toEqual({ pid: worker!.pid, reason: 'its task timed out' })
      expect(created.count).toBe(2)
      expect((await worker!.wait()).error).toBeUndefined()
    })
  })

  it('that is aborted as it runs takes its worker with it, and rejects with the reason', async () => {
    await withPool({}, async (pool, { destruct }) => {
      const stop = new AbortController()
      const running = errorOf(pool.exec('block 60000', { signal: stop.signal }))
      stop.abort(new Error('enough'))
      expect((await running).message).toBe('enough')
      expect(destruct.values[0]!.reason).toBe('its task was aborted')
      expect(await textOf(pool.exec('echo'))).toBe('echo')
    })
  })

  it('that is aborted as it waits kills no worker', async () => {
    await withPool({}, async (pool, { destruct }) => {
      const stop = new AbortController()
      const running = textOf(pool.exec('slow 50'))
      const waiting = errorOf(pool.exec('echo', { signal: stop.signal }))
      const before = errorOf(pool.exec('echo', { signal: AbortSignal.abort(new Error('before')) }))
      stop.abort(new Error('enough'))
      expect((await waiting).message).toBe('enough')
      expect((await before).message).toBe('before')
      expect(await running).toBe('slow 50')
      expect(destruct.count).toBe(0)
      expect(pool.workers[0]!.numExecs).toBe(1)
    })
  })

  it('that was answered is no longer aborted', async () => {
    await withPool({}, async (pool, { destruct }) => {
      const stop = new AbortController()
      expect(await textOf(pool.exec('echo', { signal: stop.signal, timeout: '1m' }))).toBe('echo')
      expect(getEventListeners(stop.signal, 'abort')).toEqual([])
      stop.abort()
      expect(await textOf(pool.exec('echo'))).toBe('echo')
      expect(destruct.count).toBe(0)
    })
  })

  it('is rejected at once when maxQueue others wait', async () => {
    await withPool({ maxQueue: 2 }, async (pool) => {
      const tasks = ['slow 50', 'a', 'b'].map((task) => textOf(pool.exec(task)))
      const error = await errorOf(pool.exec('c'))
      expect(error).toBeInstanceOf(QueueFullError)
      expect(error).toMatchObject({ maxQueue: 2 })
      expect(await Promise.all(tasks)).toEqual(['slow 50', 'a', 'b'])
      expect(await textOf(pool.exec('c'))).toBe('c')
    })
  })

  it('is rejected when no worker was free for allocateTimeout', async () => {
    await withPool({ allocateTimeout: '100ms' }, async (pool) => {
      const running = textOf(pool.exec('slow 400'))
      const error = await errorOf(pool.exec('echo'))
      expect(error).toBeInstanceOf(AllocateTimeoutError)
      expect(error.message).toBe('no worker was free within 100 ms (allocateTimeout): all are busy')
      expect(await running).toBe('slow 400')
    })
  })
})

/** For as long as no worker can be had. */
async function retried<T>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call()
    } catch (error) {
      if (!(error instanceof AllocateTimeoutError)) throw error
    }
  }
}
