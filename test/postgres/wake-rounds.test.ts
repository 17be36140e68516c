import { VirtualClock } from 'runutil/testing'
import { describe, expect, it } from 'vitest'
import { FleetSize } from '../../packages/runutil/src/postgres/queue/fleet-size.ts'
import { LaterJobs } from '../../packages/runutil/src/postgres/queue/later-jobs.ts'
import {
  type JobCount,
  countNew,
  countRetries,
  noticeOf,
  payloadOf,
  sumCounts,
} from '../../packages/runutil/src/postgres/queue/notice.ts'
import { WakeRounds } from '../../packages/runutil/src/postgres/queue/wake-rounds.ts'
import type { NewJob } from '../../packages/runutil/src/queue/job-store.ts'
import type { Settlement } from '../../packages/runutil/src/queue/outcome.ts'
import { ReadyListeners } from '../../packages/runutil/src/queue/ready-listeners.ts'

/**
 * Processes of one worker each, the first of them busy for good. A claim takes 5 ms, a notification 2; who finds a job claims
 * again.
 */
class Fleet {
  readonly clock = new VirtualClock()
  claims = 0
  waiting = 0
  readonly #rounds: WakeRounds[] = []

  static async start(workers: number, { busy = 0, known = workers } = {}): Promise<Fleet> {
    const fleet = new Fleet()
    for (let at = 0; at < workers; at++) await fleet.#add(at < busy, known)
    return fleet
  }

  async #add(isBusy: boolean, known: number): Promise<void> {
    const { clock } = this
    const listeners = new ReadyListeners(clock)
    const size = new FleetSize({ clock, ask: async (kinds) => kinds.map((kind) => [kind, known]) })
    const rounds = new WakeRounds({ clock, listeners, fleet: size })
    await size.count(['k'])
    listeners.add(() => !isBusy && this.#look(rounds), ['k'])
    this.#rounds.push(rounds)
  }

  /** @returns for how long the last of them waited until it was claimed; how many claims there were in all */
  async put(jobs: number): Promise<{ tookMs: number; claims: number }> {
    const startedAt = this.clock.elapsed()
    const before = this.claims
    this.waiting += jobs
    this.#tell(jobs)
    while (this.waiting > 0 && this.clock.elapsed() < startedAt + 5_000) await this.clock.advance(1)
    const tookMs = this.clock.elapsed() - startedAt
    await this.clock.advance('3s')
    return { tookMs, claims: this.claims - before }
  }

  #look(rounds: WakeRounds): boolean {
    this.clock.setTimeout(() => {
      this.claims++
      const jobs = this.waiting > 0 ? [{ kind: 'k' }] : []
      this.waiting -= jobs.length
      const taken = rounds.claimed(['k'], jobs).reduce((sum, { count }) => sum + count, 0)
      if (taken !== 0) this.clock.setTimeout(() => this.#tell(taken), 2)
      if (jobs.length > 0) this.#look(rounds)
    }, 5)
    return true
  }

  #tell(count: number): void {
    for (const rounds of this.#rounds) rounds.add('k', count)
  }
}

describe('of the workers of a fleet', () => {
  it.each([1, 2, 4, 20, 200])('about as many claim as there are jobs, of %i', async (workers) => {
    const fleet = await Fleet.start(workers)
    let claims = 0
    for (let n = 0; n < 20; n++) claims += (await fleet.put(1)).claims
    expect(claims).toBeLessThan(20 * 8)
    expect((await fleet.put(20)).claims).toBeLessThan(20 * 4)
    expect(fleet.waiting).toBe(0)
  })

  it.each([2, 20, 200])('the only one that is idle claims within moments, of %i', async (workers) => {
    const fleet = await Fleet.start(workers, { busy: workers - 1 })
    for (let n = 0; n < 5; n++) {
      const { tookMs, claims } = await fleet.put(1)
      expect(tookMs).toBeLessThan(500)
      expect(claims).toBe(2)
    }
  })

  it('all claim by and by where nobody says that the job is taken', async () => {
    const fleet = await Fleet.start(50)
    fleet.waiting = -1
    expect((await fleet.put(1)).claims).toBeGreaterThanOrEqual(50)
  })

  it('enough claim where many of those that are known have gone', async () => {
    const fleet = await Fleet.start(2, { known: 200 })
    expect((await fleet.put(1)).tookMs).toBeLessThan(500)
  })
})

describe('how many workers there are', () => {
  it('is asked anew when others have come, and else after a while, and only when somebody wants to know', async () => {
    const clock = new VirtualClock()
    let asked = 0
    const size = new FleetSize({ clock, ask: async (kinds) => kinds.map((kind) => [kind, ++asked]) })
    await size.count(['k'])
    await clock.advance('1m')
    expect(size.of('k')).toBe(1)
    await clock.advance('2s')
    expect(size.of('k')).toBe(2)
    for (let n = 0; n < 100; n++) {
      size.changed()
      size.of('k')
      await clock.advance(1)
    }
    expect(asked).toBe(3)
  })

  it('stays what it was where nobody answers', async () => {
    const clock = new VirtualClock()
    const answers: Promise<[string, number][]>[] = [
      Promise.resolve([['k', 7]]),
      Promise.reject(new Error('away')),
    ]
    const size = new FleetSize({ clock, ask: () => answers.shift()! })
    await size.count(['k'])
    await size.count(['k'])
    expect(size.of('k')).toBe(7)
  })
})

describe('listeners in one process', () => {
  it('are called by chance, as many as wait, and those that are busy in vain', () => {
    const listeners = new ReadyListeners(new VirtualClock())
    const calls = new Map<string, number>()
    const add = (name: string, waits: boolean, kinds?: string[]): void => {
      listeners.add(() => {
        calls.set(name, (calls.get(name) ?? 0) + 1)
        return waits
      }, kinds)
    }
    for (const name of ['a', 'b', 'c', 'd']) add(name, true, ['k'])
    add('busy', false, ['k'])
    add('other', true, ['j'])
    add('of any', true)
    for (let i = 0; i < 200; i++) expect(listeners.wake('k', 2)).toBe(2)
    expect(listeners.wake('k', 100)).toBe(4)
    expect([...calls.keys()].sort()).toEqual(['a', 'b', 'busy', 'c', 'd'])
    for (const name of ['a', 'b', 'c', 'd']) expect(calls.get(name)).toBeGreaterThan(50)
    listeners.wakeFor([{ kind: 'none' }])
    expect(calls.get('of any')).toBe(1)
  })
})

describe('a notification', () => {
  const now = 1_000_000
  const job = (kind: string, inMs?: number): NewJob =>
    ({ kind, runAt: inMs === undefined ? undefined : new Date(now + inMs) }) as NewJob

  it('says how many jobs there are of each kind, and when those are due that come soon', () => {
    const jobs = [job('k'), job('k', -5), job('__proto__'), job('k'), job('k', 3_000), job('k', 61_000)]
    const counts = [
      { kind: 'k', count: 3, inMs: 0 },
      { kind: '__proto__', count: 1, inMs: 0 },
      { kind: 'k', count: 1, inMs: 3_000 },
    ]
    expect(countNew(jobs, now)).toEqual(counts)
    expect(noticeOf(payloadOf(counts))).toEqual(counts)
    expect(noticeOf(`requeued${payloadOf(counts)}`)).toEqual(counts)
  })

  it('says when those are due that are to be run again', () => {
    const again = (delayMs: number, runAt?: Date): Settlement =>
      ({ kind: 'k', outcome: { status: 'PENDING', delayMs, runAt } }) as Settlement
    const batch = [
      { ...again(0), outcome: { status: 'DONE' } } as Settlement,
      again(5_000),
      again(0, new Date(now)),
    ]
    expect(countRetries(batch, now)).toEqual([
      { kind: 'k', count: 1, inMs: 5_000 },
      { kind: 'k', count: 1, inMs: 0 },
    ])
  })

  it.each(['', 'requeued', 'nonsense', '[', '["k"', '[null]', 'x'.repeat(5_000)])(
    'may mean any job: %s',
    (payload) => {
      expect(noticeOf(payload)).toBe('any')
    },
  )

  it('of more kinds than it has room for may mean any job', () => {
    const many = Array.from({ length: 500 }, (_, n) => ({ kind: `kind ${n}`, count: 1, inMs: 0 }))
    expect(noticeOf(payloadOf(many))).toBe('any')
  })

  it("isn't believed beyond reason", () => {
    expect(noticeOf('[["k",1e300,-7],["k",null,1e300],[7,"x",{}]]')).toEqual([
      { kind: 'k', count: 1_000_000, inMs: 0 },
      { kind: 'k', count: 0, inMs: 60_000 },
      { kind: '7', count: 0, inMs: 0 },
    ])
  })

  it('that jobs are taken is subtracted from those that they were', () => {
    const counts = [1, 2, -3].map((count) => ({ kind: 'k', count, inMs: 0 }))
    expect(sumCounts(counts)).toEqual([{ kind: 'k', count: 0, inMs: 0 }])
  })

  it('of jobs that fall due later is kept until then, and a flood of them needs few timers', async () => {
    const clock = new VirtualClock()
    const due: JobCount[][] = []
    const later = new LaterJobs(clock, (counts) => due.push(counts))
    for (let n = 0; n < 10_000; n++) later.add({ kind: 'k', count: 1, inMs: 1 + (n % 1_000) })
    expect(clock.pending).toBeLessThan(10)
    await clock.advance('2s')
    expect(due.flat().reduce((sum, { count }) => sum + count, 0)).toBe(10_000)
    later.add({ kind: 'k', count: 1, inMs: 5 })
    later.stop()
    expect(clock.pending).toBe(0)
  })
})
