import { type ProcessPoolOptions, ProcessPool } from 'runutil/pool'
import { describe, expect, it, vi } from 'vitest'
import { StartGate } from '../../packages/runutil/src/pool/start-gate.ts'
import { recycleLimitsOf } from '../../packages/runutil/src/pool/worker/recycle-limits.ts'
import { systemClock } from '../../packages/runutil/src/core/clock-system.ts'
import { errorOf, freshPool, node, odd, pidsOf, textOf, withPool } from '../support/pool/pools.ts'

const [command, ...args] = node as [string, ...string[]]

describe('startConcurrency', () => {
  it('lets so many processes come up at a time', async () => {
    let spawned = 0
    const { pool } = freshPool({
      numWorkers: 6,
      startConcurrency: 2,
      command: () => {
        spawned++
        return { command, args }
      },
    })
    const started = pool.start()
    // They are spawned in the same turn, and none of them can have answered by then.
    await vi.waitUntil(() => spawned > 0, { interval: 0, timeout: 60_000 })
    expect(spawned).toBe(2)
    await started
    expect(spawned).toBe(6)
    expect(pool.workers).toHaveLength(6)
    await pool.destroy()
  })

  it('counts the handshake of each from its own start', async () => {
    // Three after another, each within its own time; together they take longer than it.
    const script = `setTimeout(() => import(${JSON.stringify(args[0])}), 700)`
    const slow = { command, args: ['-e', script] }
    const options = {
      command: () => slow,
      numWorkers: 3,
      startConcurrency: 1,
      handshakeTimeout: '2s',
    } as const
    const { pool } = freshPool(options)
    const begun = performance.now()
    await pool.start().catch((error: Error) => {
      // Only a machine that is very busy needs two seconds for one of them.
      expect(error.message).toMatch('within 2000 ms')
    })
    expect(performance.now() - begun).toBeGreaterThan(2_000)
    await pool.destroy()
  })

  it('is twice the processors, unless told otherwise', () => {
    expect(() => new ProcessPool({ command: node, startConcurrency: 0 })).toThrow(
      /startConcurrency: expected/,
    )
  })

  it('gives the place of one that gave up to the next', () => {
    const gate = new StartGate(1)
    const order: string[] = []
    gate.enter(() => order.push('first'))
    const giveUp = gate.enter(() => order.push('second'))
    gate.enter(() => order.push('third'))
    giveUp()
    gate.leave()
    expect(order).toEqual(['first', 'third'])
  })
})

describe('at maxExecutions', () => {
  it('the new worker is up before the old one leaves, and takes its place at once', async () => {
    await withPool({ maxExecutions: 3 }, async (pool, { created, destruct }) => {
      const [old] = pidsOf(pool.workers)
      expect(await textOf(pool.exec('pid'))).toBe(`${old}`)
      expect(created.count).toBe(1)
      expect(await textOf(pool.exec('pid'))).toBe(`${old}`)
      // One task is left to it, and its successor comes up.
      const [, successor] = await created.times(2)
      expect(destruct.count).toBe(0)
      expect(pidsOf(pool.workers)).toEqual([old])
      expect(await textOf(pool.exec('pid'))).toBe(`${old}`)
      expect(pidsOf(pool.workers)).toEqual([successor!.pid])
      expect(destruct.values).toEqual([{ pid: old, reason: 'it has done 3 tasks' }])
      expect(await textOf(pool.exec('pid'))).toBe(`${successor!.pid}`)
    })
  })

  it.each<Partial<ProcessPoolOptions>>([
    { maxExecutions: 4, numWorkers: 2 },
    { maxExecutions: 4, numWorkers: 2, pipelining: 3 },
    { maxExecutions: 2, numWorkers: 3 },
    { maxExecutions: 4, numWorkers: 2, overlap: false },
  ])('no worker does more, with %j', async (options) => {
    await withPool(options, async (pool) => {
      const counts = new Map<string, number>()
      const count = async (): Promise<void> => {
        for (let at = 0; at < 10; at++) {
          const pid = await textOf(pool.exec('pid'))
          counts.set(pid, (counts.get(pid) ?? 0) + 1)
        }
      }
      await Promise.all([count(), count(), count()])
      expect(Math.max(...counts.values())).toBeLessThanOrEqual(options.maxExecutions!)
    })
  })

  it('has none come early where there is only one task, or no overlap', async () => {
    for (const options of [{ maxExecutions: 1 }, { maxExecutions: 2, overlap: false }]) {
      await withPool(options, async (pool, { created }) => {
        if (options.maxExecutions === 2) await pool.exec('echo')
        expect(pool.stats().workers).toBe(1)
        expect(created.count).toBe(1)
      })
    }
  })

  it('lets go of a successor that is not needed any more', async () => {
    await withPool({ maxExecutions: 2, idleTimeout: '1s' }, async (pool, { created, destruct }) => {
      await pool.exec('echo')
      await created.times(2)
      await destruct.times(2)
      expect(destruct.values.map(({ reason }) => reason).sort()).toEqual([
        'it was idle for 1000 ms',
        'it was not needed',
      ])
      expect(await textOf(pool.exec('echo'))).toBe('echo')
    })
  })

  it('gives workers that come up together different counts, none of them more', () => {
    const shares = [0, 1, 2, 3].map((at) =>
      recycleLimitsOf({ maxExecutions: 1_000, ttlMs: 8_000, early: at / 4, clock: systemClock }),
    )
    expect(shares.map(({ execs }) => execs)).toEqual([1_000, 750, 500, 250])
    expect(shares.map(({ until }) => Math.round((until - shares[0]!.until) / 1_000))).toEqual([0, -2, -4, -6])
    const small = (maxExecutions: number, early: number): number =>
      recycleLimitsOf({ maxExecutions, ttlMs: Infinity, early, clock: systemClock }).execs
    expect([small(1, 0.9), small(2, 0.9), small(3, 0.9), small(0, 0.5)]).toEqual([1, 2, 2, Infinity])
  })
})

describe('ttl', () => {
  it('replaces a worker that is so old, when its successor is up', async () => {
    await withPool({ ttl: '300ms' }, async (pool, { created, destruct }) => {
      await destruct.times(1)
      expect(destruct.values[0]!.reason).toBe('it was there for 300 ms (ttl)')
      expect(created.count).toBeGreaterThanOrEqual(2)
      expect(await textOf(pool.exec('echo'))).toBe('echo')
    })
  })
})

describe('reset without overlap', () => {
  it('has never more processes than workers', async () => {
    await withPool({ numWorkers: 2, overlap: false }, async (pool, { created, destruct }) => {
      const before = pidsOf(pool.workers)
      let most = 0
      pool.on('created', () => (most = Math.max(most, created.count - destruct.count)))
      await pool.reset()
      expect(pidsOf(pool.workers).filter((pid) => before.includes(pid))).toEqual([])
      expect(pool.workers).toHaveLength(2)
      expect(most).toBeLessThanOrEqual(2)
    })
  })
})

describe('exec after a start that failed', () => {
  it('rejects at once with the reason, until it is started again', async () => {
    const [, ...bad] = odd('exits at once, loudly')
    let broken = true
    const { pool } = freshPool({ command: () => ({ command, args: broken ? bad : args }) })
    const failure = await errorOf(pool.start())
    expect(await errorOf(pool.exec('echo'))).toBe(failure)
    await expect(pool.stream('echo').next()).rejects.toBe(failure)
    broken = false
    const started = pool.start()
    expect(await textOf(pool.exec('echo'))).toBe('echo')
    await started
    await pool.destroy()
  })
})
