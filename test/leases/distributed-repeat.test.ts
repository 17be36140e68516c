import { backoff, healthSnapshot, repeat, runAllWorkers, wait } from 'runutil'
import { type LeaseStore, currentFence, distributedRepeat } from 'runutil/leases'
import { describe, expect, it } from 'vitest'
import { FlakyLeaseStore } from '../support/leases/flaky-lease-store.ts'
import { Replicas } from '../support/leases/replicas.ts'
import { failureOf, untilAbort } from '../support/outcome.ts'

describe('distributedRepeat', () => {
  it('runs once per interval across all replicas, the first time immediately', async () => {
    const replicas = new Replicas()
    const starts: number[] = []
    const job = async (): Promise<void> => {
      starts.push(replicas.clock.elapsed())
      await wait('2s')
    }
    for (let count = 0; count < 3; count++)
      replicas.start(distributedRepeat(replicas.leases, 'a', '10s', job))
    await replicas.clock.advance('35s')
    expect(starts).toEqual([0, 10_000, 20_000, 30_000])
    await replicas.end()
  })

  it('never runs concurrently, and runs a missed start within a second', async () => {
    const replicas = new Replicas()
    const starts: number[] = []
    const job = async (): Promise<void> => {
      starts.push(replicas.clock.elapsed())
      await wait(starts.length === 1 ? '25.5s' : 0)
    }
    for (let count = 0; count < 2; count++)
      replicas.start(distributedRepeat(replicas.leases, 'a', '10s', job))
    await replicas.clock.advance('40s')
    expect(starts).toEqual([0, 25_500, 35_500])
    await replicas.end()
  })

  it('gives each run a greater fence than the last, and has none outside of a run', async () => {
    const replicas = new Replicas()
    const fences: (number | undefined)[] = []
    const job = async (): Promise<void> => {
      await wait(1)
      fences.push(currentFence())
    }
    replicas.start(distributedRepeat(replicas.leases, 'a', '1s', job))
    replicas.start(distributedRepeat(replicas.leases, 'a', '1s', job))
    await replicas.clock.advance('2.5s')
    expect(fences).toEqual([1, 2, 3])
    expect(currentFence()).toBeUndefined()
    await replicas.end()
  })

  it('does not run again if its lease could not be released immediately', async () => {
    const replicas = new Replicas()
    const flaky = new FlakyLeaseStore(replicas.leases)
    let runs = 0
    const job = (): void => {
      runs++
      flaky.broken = true
    }
    const first = replicas.start(distributedRepeat(flaky, 'job', '1h', job, { lease: '30s' }))
    await replicas.clock.advance('20s')
    flaky.broken = false
    replicas.start(distributedRepeat(replicas.leases, 'job', '1h', () => void runs++, { lease: '30s' }))
    await replicas.clock.advance('59m')
    expect(runs).toBe(1)
    first.stop.abort()
    await replicas.clock.advance('1m')
    expect(runs).toBe(2)
    await replicas.end()
  })

  it.each<[string, (signal: AbortSignal) => Promise<void>, number[]]>([
    ['rejects with the reason of its stop', async (signal) => signal.throwIfAborted(), [0, 30_000]],
    ['returns', async () => {}, [0, 3_600_000]],
  ])('a stopped run that %s is repeated only if it was interrupted', async (_, end, expected) => {
    const replicas = new Replicas()
    const starts: number[] = []
    const job = async (signal: AbortSignal): Promise<void> => {
      starts.push(replicas.clock.elapsed())
      if (starts.length > 1) return
      await untilAbort(signal)
      await end(signal)
    }
    const first = replicas.start(distributedRepeat(replicas.leases, 'a', '1h', job))
    await replicas.clock.advance(0)
    replicas.start(distributedRepeat(replicas.leases, 'a', '1h', job))
    await replicas.clock.advance('5s')
    first.stop.abort()
    await replicas.clock.advance('1h')
    expect(starts.slice(0, 2)).toEqual(expected)
    expect(first.ended.settled).toBe('resolved')
    await replicas.end()
  })

  it('does not start a run when the answer took longer than the lease', async () => {
    const replicas = new Replicas()
    const starts: number[] = []
    let delay = 29_000
    const slow: LeaseStore = {
      acquire: async (name, terms) => {
        const answer = await replicas.leases.acquire(name, terms)
        await wait(delay)
        delay = 0
        return answer
      },
      renew: (...args) => replicas.leases.renew(...args),
      release: (...args) => replicas.leases.release(...args),
    }
    replicas.start(distributedRepeat(slow, 'a', '1h', () => void starts.push(replicas.clock.elapsed())))
    await replicas.clock.advance('70s')
    // The lease had expired, and a process that has lost it does not request it again for the duration of one lease.
    expect(starts).toEqual([59_000])
    await replicas.end()
  })

  it('stops after few attempts if its lease cannot be released', async () => {
    const replicas = new Replicas()
    const flaky = new FlakyLeaseStore(replicas.leases)
    let released = 0
    const counted: LeaseStore = {
      acquire: (...args) => flaky.acquire(...args),
      renew: (...args) => flaky.renew(...args),
      release: (...args) => {
        released++
        return flaky.release(...args)
      },
    }
    const { stop, ended } = replicas.start(distributedRepeat(counted, 'a', '1h', untilAbort))
    await replicas.clock.advance('1s')
    flaky.broken = true
    stop.abort()
    await replicas.clock.advance('2.5s')
    expect(ended.settled).toBe('resolved')
    expect(released).toBe(3)
    await replicas.end()
  })

  it('repeats the run of a process that died, once its lease has expired', async () => {
    const replicas = new Replicas()
    await replicas.leases.acquire('a', { leaseMs: 30_000, everyMs: 3_600_000 })
    const starts: number[] = []
    replicas.start(
      distributedRepeat(replicas.leases, 'a', '1h', () => void starts.push(replicas.clock.elapsed())),
    )
    await replicas.clock.advance('2h')
    expect(starts).toEqual([30_000, 3_630_000, 7_230_000].slice(0, 2))
    await replicas.end()
  })

  it('renews its lease until the run ends', async () => {
    const replicas = new Replicas()
    const starts: number[] = []
    const job = async (signal: AbortSignal): Promise<void> => {
      starts.push(replicas.clock.elapsed())
      await wait('10m', signal)
      expect(signal.aborted).toBe(false)
    }
    for (let count = 0; count < 2; count++) replicas.start(distributedRepeat(replicas.leases, 'a', '1h', job))
    await replicas.clock.advance('59m')
    expect(starts).toEqual([0])
    await replicas.end()
  })

  it('fails with the error of its job, and another replica repeats the run after the delay', async () => {
    const replicas = new Replicas()
    const failing = replicas.start(
      distributedRepeat(replicas.leases, 'a', '10s', () => Promise.reject(new Error('broken'))),
    )
    await replicas.clock.advance(0)
    expect((await failureOf(failing.run)).message).toContain('broken')
    const starts: number[] = []
    replicas.start(
      distributedRepeat(replicas.leases, 'a', '10s', () => void starts.push(replicas.clock.elapsed())),
    )
    await replicas.clock.advance('15s')
    expect(starts).toEqual([1_000, 11_000])
    await replicas.end()
  })

  it('is firing from a failed run until one succeeds, even though the store answers', async () => {
    const replicas = new Replicas()
    const seen: unknown[] = []
    let fails = true
    const job = async (): Promise<void> => {
      seen.push(healthSnapshot()['/Leased'])
      if (fails) throw new Error('broken')
    }
    const stop = new AbortController()
    const { clock, log } = replicas
    const worker = distributedRepeat(replicas.leases, 'a', '10s', job)
    const look = repeat('10s', () => {
      seen.push(healthSnapshot()['/Leased'])
      fails = false
    })
    const run = runAllWorkers([{ name: 'Leased', worker, retry: backoff('1s') }, look], stop.signal, {
      clock,
      logger: log.logger,
    })
    await clock.advance('15s')
    expect(seen[0]).toBe('ok')
    expect(new Set(seen.slice(1))).toEqual(new Set(['firing']))
    expect(seen.length).toBeGreaterThan(3)
    await clock.advance('10s')
    expect(seen.at(-1)).toBe('ok')
    stop.abort()
    await clock.advance(0)
    await run
  })

  it.each([
    ['1d', '1s', 1_000],
    ['1h', '10m', 600_000],
    ['1s', '1h', 3_600_000],
  ] as const)(
    'counts an interval that changed from %s to %s from its last start',
    async (old, every, next) => {
      const replicas = new Replicas()
      const starts: number[] = []
      const job = (): void => void starts.push(replicas.clock.elapsed())
      const first = replicas.start(distributedRepeat(replicas.leases, 'a', old, job))
      await replicas.clock.advance('500ms')
      first.stop.abort()
      await replicas.clock.advance(0)
      replicas.start(distributedRepeat(replicas.leases, 'a', every, job))
      await replicas.clock.advance(2 * next)
      expect(starts.slice(0, 2)).toEqual([0, next])
      await replicas.end()
    },
  )

  it('retries a failed run after a delay that all replicas share, and then returns to its interval', async () => {
    const replicas = new Replicas()
    const { clock, leases, log } = replicas
    const starts: number[] = []
    const job = async (): Promise<void> => {
      starts.push(clock.elapsed())
      if (starts.length <= 8) throw new Error('broken')
    }
    const stop = new AbortController()
    const runs = ['a', 'b', 'c'].map(() => {
      const worker = distributedRepeat(leases, 'daily', '1d', job)
      return runAllWorkers([{ name: 'Daily', worker, retry: backoff('1s') }], stop.signal, {
        clock,
        logger: log.logger,
      })
    })
    await clock.advance('1h')
    const gaps = starts.slice(1).map((at, nth) => at - starts[nth]!)
    expect(gaps).toHaveLength(8)
    for (const [nth, least] of [1, 2, 4, 8, 16, 32, 60, 60].entries()) {
      // A waiting replica requests the lease again within one lease.
      expect(gaps[nth]).toBeGreaterThanOrEqual(least * 1_000)
      expect(gaps[nth]).toBeLessThan(least * 1_000 + 30_000)
    }
    await clock.advance('1d')
    expect(starts).toHaveLength(10)
    expect(starts[9]! - starts[8]!).toBe(86_400_000)
    stop.abort()
    await clock.advance('1s')
    await Promise.all(runs)
    expect(clock.pending).toBe(0)
  })

  it('frees the interval that it acquires while it is stopped', async () => {
    const replicas = new Replicas()
    const starts: string[] = []
    const first = replicas.start(
      distributedRepeat(replicas.leases, 'a', '1h', () => void starts.push('first')),
    )
    first.stop.abort()
    await replicas.clock.advance(0)
    expect(starts).toEqual([])
    replicas.start(distributedRepeat(replicas.leases, 'a', '1h', () => void starts.push('second')))
    await replicas.clock.advance('1s')
    expect(starts).toEqual(['second'])
    await replicas.end()
  })

  it('accepts objects with runOnce, and passes on the reason of the abort', async () => {
    const replicas = new Replicas()
    let reason: unknown
    const runOnce = async (signal: AbortSignal): Promise<void> => {
      await untilAbort(signal)
      reason = signal.reason
    }
    const { stop, ended } = replicas.start(distributedRepeat(replicas.leases, 'a', '1s', { runOnce }))
    await replicas.clock.advance('5s')
    const stopped = new Error('stopped')
    stop.abort(stopped)
    await replicas.clock.advance(0)
    expect(reason).toBe(stopped)
    expect(ended.settled).toBe('resolved')
    await replicas.end()
  })
})
