import { type Worker, healthSnapshot, repeat, runAllWorkers, wait } from 'runutil'
import { LeaseLostError, type LeaseStore, MemoryLeaseStore, currentFence, singleton } from 'runutil/leases'
import { VirtualClock } from 'runutil/testing'
import { describe, expect, it } from 'vitest'
import { FlakyLeaseStore } from '../support/leases/flaky-lease-store.ts'
import { Replicas } from '../support/leases/replicas.ts'
import { failureOf, follow, untilAbort } from '../support/outcome.ts'

/** The clock of a process that was suspended for `missed` ms: its timers are late. */
class FrozenClock extends VirtualClock {
  missed = 0

  override elapsed(): number {
    return super.elapsed() + this.missed
  }
}

describe('singleton', () => {
  it('leaves its lease to another process if it can acquire but not renew it', async () => {
    const replicas = new Replicas()
    const { clock, leases } = replicas
    const sick: LeaseStore = {
      acquire: (...args) => leases.acquire(...args),
      renew: () => Promise.reject(new Error('refused here')),
      release: (...args) => leases.release(...args),
    }
    const taken = { sick: 0, healthy: 0 }
    const work = (name: keyof typeof taken) => async (signal: AbortSignal) => {
      taken[name]++
      await untilAbort(signal)
    }
    replicas.start(singleton(sick, 's', work('sick'), { lease: '12s' }))
    await clock.advance('500ms')
    replicas.start(singleton(leases, 's', work('healthy'), { lease: '12s' }))
    await clock.advance('10m')
    expect(taken).toEqual({ sick: 1, healthy: 1 })
    await replicas.end('1s')
  })

  it('is firing if its store has not answered for one lease, and ends immediately on abort', async () => {
    const replicas = new Replicas()
    const { clock } = replicas
    const never = (): Promise<never> => new Promise(() => {})
    const silent: LeaseStore = { acquire: never, renew: never, release: never }
    const seen: unknown[] = []
    const stop = new AbortController()
    const look = repeat('1s', () => void seen.push(healthSnapshot()['/Leased']))
    const workers = [{ name: 'Leased', worker: singleton(silent, 's', untilAbort, { lease: '3s' }) }, look]
    const ended = follow(runAllWorkers(workers, stop.signal, { clock, logger: replicas.log.logger }))
    await clock.advance('4.5s')
    expect(seen.at(-1)).toBe('firing')
    stop.abort()
    await clock.advance(0)
    expect(ended.settled).toBe('resolved')
    expect(clock.pending).toBe(0)
  })

  it('aborts its worker if its store stops answering, and ends soon afterwards', async () => {
    const replicas = new Replicas()
    const { clock, leases } = replicas
    let silent = false
    const never = (): Promise<never> => new Promise(() => {})
    const store: LeaseStore = {
      acquire: (...args) => (silent ? never() : leases.acquire(...args)),
      renew: (...args) => (silent ? never() : leases.renew(...args)),
      release: (...args) => (silent ? never() : leases.release(...args)),
    }
    let reason: unknown
    const { stop, ended } = replicas.start(
      singleton(store, 's', async (signal) => {
        await untilAbort(signal)
        reason = signal.reason
      }),
    )
    await clock.advance('1s')
    silent = true
    await clock.advance('40s')
    expect(reason).toBeInstanceOf(LeaseLostError)
    stop.abort()
    await clock.advance('1s')
    expect(ended.settled).toBe('resolved')
    await replicas.end()
  })

  it('runs in one replica, and another takes over within two seconds of its stop, after it has ended', async () => {
    const replicas = new Replicas()
    const { clock } = replicas
    const events: string[] = []
    const worker = (name: string): Worker =>
      singleton(replicas.leases, 's', async (signal) => {
        events.push(`${name} starts ${clock.elapsed()}`)
        await untilAbort(signal)
        await wait('3s')
        events.push(`${name} ends ${clock.elapsed()}`)
      })
    const first = replicas.start(worker('first'))
    await clock.advance('500ms')
    replicas.start(worker('second'))
    await clock.advance('9.5s')
    first.stop.abort()
    await clock.advance('5s')
    expect(events).toEqual(['first starts 0', 'first ends 13000', 'second starts 13500'])
    await replicas.end('3s')
  })

  it('takes over from a process that died once the lease has expired', async () => {
    const replicas = new Replicas()
    await replicas.leases.acquire('s', { leaseMs: 30_000, everyMs: undefined })
    const starts: number[] = []
    const work = async (signal: AbortSignal): Promise<void> => {
      starts.push(replicas.clock.elapsed())
      await untilAbort(signal)
    }
    replicas.start(singleton(replicas.leases, 's', work))
    await replicas.clock.advance('32s')
    expect(starts).toEqual([30_000])
    await replicas.end()
  })

  it('aborts its worker when its lease is lost, waits for it, and stands by again', async () => {
    const replicas = new Replicas()
    const { clock } = replicas
    const flaky = new FlakyLeaseStore(replicas.leases)
    const events: string[] = []
    const worker = async (signal: AbortSignal): Promise<void> => {
      events.push(`starts ${clock.elapsed()} with ${currentFence()}`)
      await untilAbort(signal)
      events.push(`aborts ${clock.elapsed()} ${signal.reason instanceof LeaseLostError}`)
      await wait('1s')
      throw signal.reason
    }
    const { ended } = replicas.start(singleton(flaky, 's', worker, { lease: '12s' }))
    await clock.advance('20s')
    flaky.broken = true
    await clock.advance('20s')
    flaky.broken = false
    await clock.advance('20s')
    // The last renewal is at 20 s. The lease is given up after five sixths of it, and not requested again for one lease.
    expect(events).toEqual(['starts 0 with 1', 'aborts 30000 true', 'starts 43000 with 2'])
    expect(ended.settled).toBe('no')
    expect(replicas.log.lines.map(({ msg }) => msg)).toEqual([
      'cannot reach the store of lease s',
      'recovered: can reach the store of lease s again',
    ])
    await replicas.end('1s')
  })

  it('aborts its worker without a renewal if it was suspended for longer than its lease', async () => {
    const clock = new FrozenClock()
    const leases = new MemoryLeaseStore({ clock })
    let renewals = 0
    const store: LeaseStore = {
      acquire: (...args) => leases.acquire(...args),
      renew: (...args) => {
        renewals++
        return leases.renew(...args)
      },
      release: (...args) => leases.release(...args),
    }
    const stop = new AbortController()
    const events: string[] = []
    const worker = async (signal: AbortSignal): Promise<void> => {
      events.push('starts')
      await untilAbort(signal)
      events.push(`aborts ${signal.reason instanceof LeaseLostError}`)
    }
    const run = runAllWorkers([singleton(store, 's', worker)], stop.signal, { clock })
    await clock.advance('9s')
    clock.missed = 40_000
    // The renewal's timer fires first.
    await clock.advance('1.5s')
    expect(events).toEqual(['starts', 'aborts true'])
    await clock.advance('30s')
    expect(events).toEqual(['starts', 'aborts true', 'starts'])
    expect(renewals).toBe(0)
    stop.abort()
    await clock.advance(0)
    await run
  })

  it('aborts its worker after another process has taken over, and only logs its failure', async () => {
    const replicas = new Replicas()
    const { clock } = replicas
    // Like a suspended process: its renewals come too late.
    const late: LeaseStore = {
      acquire: (name, terms) => replicas.leases.acquire(name, terms),
      renew: async () => false,
      release: (name, fence, unused) => replicas.leases.release(name, fence, unused),
    }
    let reason: unknown
    const { ended } = replicas.start(
      singleton(late, 's', async (signal) => {
        await untilAbort(signal)
        reason = signal.reason
        throw new Error('broken')
      }),
    )
    await clock.advance('11s')
    expect(reason).toEqual(new LeaseLostError('s'))
    expect(ended.settled).toBe('no')
    expect(replicas.log.lines.map(({ msg }) => msg)).toContain('the run failed after it lost lease s')
    await replicas.end()
  })

  it('releases a lease that it acquires while it is stopped before it ends', async () => {
    const replicas = new Replicas()
    const { clock, leases } = replicas
    let released = 0
    const slow: LeaseStore = {
      acquire: async (...args) => {
        const answer = await leases.acquire(...args)
        await new Promise<void>((resolve) => clock.setTimeout(resolve, 500))
        return answer
      },
      renew: (...args) => leases.renew(...args),
      release: async (...args) => {
        await leases.release(...args)
        released++
      },
    }
    const { stop, run } = replicas.start(singleton(slow, 's', untilAbort))
    const releasedAtEnd = run.then(() => released)
    await clock.advance(100)
    stop.abort()
    await clock.advance('1s')
    expect(await releasedAtEnd).toBe(1)
    await replicas.end()
  })

  it.each<[string, () => Promise<void>, RegExp]>([
    ['returns', async () => {}, /exited prematurely/],
    ['throws', async () => Promise.reject(new Error('broken')), /broken/],
  ])('ends as its worker does if that %s, and releases the lease', async (_, worker, message) => {
    const replicas = new Replicas()
    const { run } = replicas.start(singleton(replicas.leases, 's', worker))
    await replicas.clock.advance(0)
    expect((await failureOf(run)).message).toMatch(message)
    expect((await replicas.leases.acquire('s', { leaseMs: 1, everyMs: undefined })).kind).toBe('acquired')
    await replicas.end()
  })

  it('is ok while it stands by, and firing while it cannot reach its store', async () => {
    const replicas = new Replicas()
    const flaky = new FlakyLeaseStore(replicas.leases)
    await replicas.leases.acquire('s', { leaseMs: 60_000, everyMs: undefined })
    const seen: unknown[] = []
    const { clock } = replicas
    const stop = new AbortController()
    const look = async (): Promise<void> => void seen.push(healthSnapshot()['/Leased'])
    const run = runAllWorkers(
      [
        { name: 'Leased', worker: singleton(flaky, 's', untilAbort) },
        async (signal: AbortSignal) => {
          while (!signal.aborted) {
            await wait('5s', signal)
            await look()
            flaky.broken = !flaky.broken
          }
        },
      ],
      stop.signal,
      { clock, logger: replicas.log.logger },
    )
    await clock.advance('17s')
    stop.abort()
    await clock.advance(0)
    await run
    expect(seen.slice(0, 3)).toEqual(['ok', 'firing', 'ok'])
    // One line for each change.
    expect(replicas.log.lines.map(({ msg }) => msg)).toEqual([
      'cannot reach the store of lease s',
      'recovered: can reach the store of lease s again',
      'cannot reach the store of lease s',
    ])
    expect(clock.pending).toBe(0)
  })
})
