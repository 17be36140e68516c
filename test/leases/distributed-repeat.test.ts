import { getEventListeners } from 'node:events'
import {
  type Duration,
  InvalidArgumentError,
  InvalidDurationError,
  type Worker,
  backoff,
  healthSnapshot,
  repeat,
  runAllWorkers,
  wait,
} from 'runutil'
import {
  LeaseLostError,
  type LeaseStore,
  MemoryLeaseStore,
  currentFence,
  distributedRepeat,
  singleton,
} from 'runutil/leases'
import { VirtualClock } from 'runutil/testing'
import { describe, expect, it } from 'vitest'
import { capturedLogger } from '../support/logs.ts'
import { failureOf, follow, untilAbort } from '../support/outcome.ts'

/** Processes that share a clock and leases. */
class Replicas {
  readonly clock = new VirtualClock()
  readonly leases = new MemoryLeaseStore({ clock: this.clock })
  readonly log = capturedLogger()
  readonly #stops: AbortController[] = []

  start(worker: Worker): { stop: AbortController; ended: ReturnType<typeof follow>; run: Promise<void> } {
    const stop = new AbortController()
    this.#stops.push(stop)
    const { clock, log } = this
    const run = runAllWorkers([{ name: 'Leased', worker }], stop.signal, { clock, logger: log.logger })
    return { stop, run, ended: follow(run) }
  }

  /** Stops all, and sees that nothing is left of them. */
  async end(within: Duration = 0): Promise<void> {
    for (const stop of this.#stops) stop.abort()
    await this.clock.advance(within)
    expect(this.clock.pending).toBe(0)
    for (const { signal } of this.#stops) expect(getEventListeners(signal, 'abort')).toEqual([])
  }
}

/** Of a process that was stopped for `missed` ms: its timers are behind. */
class FrozenClock extends VirtualClock {
  missed = 0

  override elapsed(): number {
    return super.elapsed() + this.missed
  }
}

/** A store whose calls fail while `broken`. */
class Flaky implements LeaseStore {
  broken = false
  readonly #store: LeaseStore

  constructor(store: LeaseStore) {
    this.#store = store
  }

  async acquire(...args: Parameters<LeaseStore['acquire']>) {
    return this.#working().acquire(...args)
  }

  async renew(...args: Parameters<LeaseStore['renew']>) {
    return this.#working().renew(...args)
  }

  async release(...args: Parameters<LeaseStore['release']>) {
    return this.#working().release(...args)
  }

  #working(): LeaseStore {
    if (this.broken) throw new Error('the store is down')
    return this.#store
  }
}

describe('distributedRepeat', () => {
  it('runs once an interval over all replicas, the first at once', async () => {
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

  it('has no two runs at once, and makes up for a missed one within a second', async () => {
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

  it('gives each run a greater fence, and none outside', async () => {
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

  it('is not run again when its lease could not be released at once', async () => {
    const replicas = new Replicas()
    const flaky = new Flaky(replicas.leases)
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
  ])('a run that %s is made up for only if it was cut short', async (_, end, expected) => {
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
    await replicas.clock.advance('40s')
    expect(starts).toEqual([29_000])
    await replicas.end()
  })

  it('told to stop gives up soon when its lease cannot be released', async () => {
    const replicas = new Replicas()
    const flaky = new Flaky(replicas.leases)
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

  it('makes up for the run of a process that died, after its lease', async () => {
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

  it('renews its lease for as long as a run takes', async () => {
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

  it('ends with the error of its job, and another goes on at the next interval', async () => {
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
    expect(starts).toEqual([10_000])
    await replicas.end()
  })

  it('is firing after a run that failed until one succeeds, though it may ask', async () => {
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
      ...{ clock, logger: log.logger },
    })
    await clock.advance('15s')
    expect(seen).toEqual(['ok', 'firing', 'firing'])
    await clock.advance('10s')
    expect(seen.at(-1)).toBe('ok')
    stop.abort()
    await clock.advance(0)
    await run
  })

  it('told to stop while it asks, frees the interval that it had got', async () => {
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

  it('takes objects with runOnce, and passes the reason of the stop on', async () => {
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

describe('singleton', () => {
  it('runs in one replica; another takes over within two seconds of its stop, after it has ended', async () => {
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

  it('takes over from a process that died when the lease is over', async () => {
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

  it('whose lease was lost aborts its worker, waits for it, and stands by again', async () => {
    const replicas = new Replicas()
    const { clock } = replicas
    const flaky = new Flaky(replicas.leases)
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
    // Last renewed at 20 s; given up at five sixths of the lease.
    expect(events).toEqual(['starts 0 with 1', 'aborts 30000 true', 'starts 41000 with 2'])
    expect(ended.settled).toBe('no')
    const messages = new Set(replicas.log.lines.map(({ msg }) => msg))
    expect(messages).toEqual(new Set(['cannot renew lease s', 'cannot ask for lease s']))
    await replicas.end('1s')
  })

  it('that was frozen for longer than its lease aborts without renewing it', async () => {
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
    expect(events).toEqual(['starts', 'aborts true', 'starts'])
    expect(renewals).toBe(0)
    stop.abort()
    await clock.advance(0)
    await run
  })

  it('that another has taken over from aborts its worker, whose failure then is only logged', async () => {
    const replicas = new Replicas()
    const { clock } = replicas
    // As one that was frozen: its renewals come too late.
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
    expect(replicas.log.lines.map(({ msg }) => msg)).toContain('failed without lease s')
    await replicas.end()
  })

  it.each<[string, () => Promise<void>, RegExp]>([
    ['returns', async () => {}, /exited prematurely/],
    ['throws', async () => Promise.reject(new Error('broken')), /broken/],
  ])('whose worker %s ends likewise, and frees the lease', async (_, worker, message) => {
    const replicas = new Replicas()
    const { run } = replicas.start(singleton(replicas.leases, 's', worker))
    await replicas.clock.advance(0)
    expect((await failureOf(run)).message).toMatch(message)
    expect((await replicas.leases.acquire('s', { leaseMs: 1, everyMs: undefined })).kind).toBe('acquired')
    await replicas.end()
  })

  it('is well while it stands by, and firing while it cannot ask', async () => {
    const replicas = new Replicas()
    const flaky = new Flaky(replicas.leases)
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
    // One each time that it was broken.
    expect(replicas.log.lines.map(({ msg }) => msg)).toEqual(Array(2).fill('cannot ask for lease s'))
    expect(clock.pending).toBe(0)
  })
})

describe('bad input is an error at the call:', () => {
  const leases = new MemoryLeaseStore()
  const run = async (): Promise<void> => {}

  it.each<[string, () => unknown, string]>([
    [
      'no store',
      () => singleton({} as LeaseStore, 's', run),
      'singleton: expected a MemoryLeaseStore or PostgresLeaseStore; got an object {  }',
    ],
    [
      'an empty name',
      () => distributedRepeat(leases, '', '1s', run),
      "distributedRepeat: name: expected a name that isn't empty",
    ],
    [
      'a worker for a job',
      () => distributedRepeat(leases, 'a', '1s', { run } as never),
      'it needs no repeating',
    ],
    [
      'a job for a worker',
      () => singleton(leases, 's', { runOnce: run } as never),
      'wrap it in repeat(every, job)',
    ],
    [
      'an unknown option',
      () => singleton(leases, 's', run, { leese: '1s' } as never),
      "did you mean 'lease'?",
    ],
    [
      'an unknown option of the store',
      () => new MemoryLeaseStore({ clok: 1 } as never),
      "did you mean 'clock'?",
    ],
  ])('%s', (_, call, message) => {
    expect(call).toThrow(InvalidArgumentError)
    expect(call).toThrow(message)
  })

  it.each<[string, () => unknown]>([
    ['an interval of 0', () => distributedRepeat(leases, 'a', 0, run)],
    ['a lease of 0', () => singleton(leases, 's', run, { lease: 0 })],
    ['a lease that is no duration', () => singleton(leases, 's', run, { lease: 'long' })],
  ])('%s', (_, call) => {
    expect(call).toThrow(InvalidDurationError)
  })
})
