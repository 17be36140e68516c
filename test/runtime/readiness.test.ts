import { type DeclarativeWorker, backoff, repeat, wait } from 'runutil'
import { CoordinateWorker, MemoryCoordinateStore, createCoordinate } from 'runutil/coordinate'
import { cron } from 'runutil/cron'
import { Manager, MemoryActionLedger } from 'runutil/dispatch'
import { MemoryLeaseStore, distributedRepeat, singleton } from 'runutil/leases'
import { JobQueue, MemoryJobStore, QueueWorker } from 'runutil/queue'
import { VirtualClock } from 'runutil/testing'
import { describe, expect, test } from 'vitest'
import { untilAbort } from '../support/outcome.ts'
import { freshPool } from '../support/pool/pools.ts'
import { ObservedRun, named } from '../support/runtime/observed-run.ts'

type WorkerOf = DeclarativeWorker['worker']

/** A run of the worker /Built, and of /After, which depends on it. */
class Pair extends ObservedRun {
  hasStarted = false

  async startWith(worker: WorkerOf): Promise<void> {
    const after = (signal: AbortSignal): Promise<void> => {
      this.hasStarted = true
      return untilAbort(signal)
    }
    void this.start(
      named('Built', worker, { retry: backoff('1s') }),
      named('After', after, { after: 'Built' }),
    )
    await this.clock.advance(0)
  }

  get bothStates(): (string | undefined)[] {
    return ['/Built', '/After'].map((path) => this.runtime.get(path)?.state)
  }
}

/** Delays the results of a method until the returned function is called. */
function held<T extends object, M extends keyof T>(target: T, method: M): () => void {
  const call = target[method] as (...args: unknown[]) => unknown
  let arrive = (): void => {}
  const arrived = new Promise<void>((resolve) => (arrive = resolve))
  const later = async (...args: unknown[]): Promise<unknown> => {
    const answer = await call.apply(target, args)
    await arrived
    return answer
  }
  target[method] = later as T[M]
  return arrive
}

interface Case {
  readonly worker: WorkerOf
  /** Lets it become ready. */
  readonly arrive: () => void
}

const cases: Record<string, (clock: VirtualClock) => Case | Promise<Case>> = {
  'the first claim of a QueueWorker has returned': (clock) => {
    const store = new MemoryJobStore({ clock })
    const arrive = held(store, 'claim')
    return { worker: new QueueWorker(new JobQueue(store)).register('a', () => {}), arrive }
  },
  'a CoordinateWorker is registered': async (clock) => {
    const tables = new MemoryCoordinateStore().withTime(() => clock.now())
    const namespace = await createCoordinate({ withTime: () => tables }, { clock }).namespace('n')
    return { worker: new CoordinateWorker({ namespace, tasks: {} }), arrive: held(tables.workers, 'update') }
  },
  'a Manager follows its ledger': (clock) => {
    const ledger = new MemoryActionLedger()
    const arrive = held(ledger, 'follow')
    return { worker: new Manager({ operation: 'test', ledger, clock }), arrive }
  },
  'a singleton stands by, even if another process holds the lease': async (clock) => {
    const leases = new MemoryLeaseStore({ clock })
    await leases.acquire('one', { leaseMs: 3_600_000, everyMs: undefined })
    const arrive = held(leases, 'acquire')
    return { worker: singleton(leases, 'one', untilAbort), arrive }
  },
  'a distributedRepeat stands by': (clock) => {
    const leases = new MemoryLeaseStore({ clock })
    const arrive = held(leases, 'acquire')
    return { worker: distributedRepeat(leases, 'one', '1h', untilAbort), arrive }
  },
}

describe('a worker that depends on a built-in worker starts when', () => {
  test.each(Object.entries(cases))('%s', async (_, make) => {
    const pair = new Pair()
    const { worker, arrive } = await make(pair.clock)
    await pair.startWith(worker)
    await pair.clock.advance('2s')
    expect([pair.bothStates, pair.hasStarted]).toEqual([['starting', 'waiting'], false])
    arrive()
    await pair.clock.advance(0)
    expect([pair.bothStates, pair.hasStarted]).toEqual([['ready', 'ready'], true])
    await pair.end()
  })

  test.each<[string, WorkerOf]>([
    ['cron', cron('0 6 * * *', () => {})],
    ['repeat', repeat('1d', () => {})],
  ])('a %s has started, before its first run', async (_, worker) => {
    const pair = new Pair()
    await pair.startWith(worker)
    expect([pair.bothStates, pair.hasStarted]).toEqual([['ready', 'ready'], true])
    await pair.end()
  })

  test('a repeat with startImmediately has completed its first run', async () => {
    const pair = new Pair()
    let runs = 0
    const job = async (): Promise<void> => {
      await wait('10s')
      if (++runs === 1) throw new Error('not yet')
    }
    await pair.startWith(repeat('1h', job, { startImmediately: true }))
    await pair.clock.advance('20s')
    expect([runs, pair.hasStarted]).toEqual([1, false])
    await pair.clock.advance('2s')
    expect([runs, pair.hasStarted]).toEqual([2, true])
    await pair.end()
  })

  test('a repeat with startImmediately is paused before its first run', async () => {
    const pair = new Pair()
    await pair.startWith(repeat('1h', () => {}, { startImmediately: true, jitter: '30m' }))
    expect(pair.hasStarted).toBe(false)
    await pair.runtime.pause('/Built')
    expect([pair.bothStates, pair.hasStarted]).toEqual([['paused', 'ready'], true])
    await pair.end()
  })

  test('all processes of a ProcessPool are up', async () => {
    const { pool } = freshPool({ numWorkers: 2 })
    const pair = new Pair()
    const ready = pair.runtime.ready('/After')
    await pair.startWith(pool)
    expect(pair.bothStates).toEqual(['starting', 'waiting'])
    let workers = 0
    pair.runtime.on(({ path, type }) => {
      if (path === '/After' && type === 'starting') workers = pool.workers.length
    })
    await ready
    expect([workers, pair.bothStates]).toEqual([2, ['ready', 'ready']])
    const ended = pair.end()
    await pool.destroy()
    await ended
  })
})
