import { InvalidArgumentError, type Worker, backoff, currentRun, runAllWorkers, wait } from 'runutil'
import { MemoryLeaseStore, currentFence, distributedCron, distributedRepeat } from 'runutil/leases'
import { VirtualClock } from 'runutil/testing'
import { afterEach, describe, expect, test } from 'vitest'
import { capturedLogger } from '../support/logs.ts'
import { offsetClock } from '../support/offset-clock.ts'

const MINUTE = 60_000
const NOON = Date.UTC(2026, 0, 1, 12)
/** Minutes past noon. */
const minutes = (date: Date | number): number => (Number(date) - NOON) / MINUTE

/** Replicas of a service and their store, each with its own clock. */
class Fleet {
  readonly clock = new VirtualClock({ now: NOON })
  readonly leases = new MemoryLeaseStore({ clock: this.clock })
  readonly ran: { by: string; for: number; missed: number; at: number }[] = []
  readonly #ends: (() => Promise<void>)[] = []

  /** @param apartMs the offset of its clock */
  start(
    by: string,
    pattern: string,
    { apartMs = 0, job = (): Promise<void> | void => {}, ...options }: Props = {},
  ) {
    const run = (): Promise<void> | void => {
      const { scheduledFor, missed } = currentRun()!
      this.ran.push({
        by,
        for: minutes(scheduledFor),
        missed,
        at: minutes(Math.floor(this.clock.now() / 1_000) * 1_000),
      })
      return job()
    }
    return this.startWorker(distributedCron(this.leases, 'report', pattern, run, options), apartMs)
  }

  startWorker(worker: Worker, apartMs = 0) {
    const stop = new AbortController()
    const clock = apartMs === 0 ? this.clock : offsetClock(this.clock, apartMs)
    const { logger } = capturedLogger()
    const entry = { name: 'Report', worker, retry: backoff('1s') }
    const run = runAllWorkers([entry], stop.signal, { clock, logger })
    const endWithin = async (time: string): Promise<void> => {
      stop.abort()
      await this.clock.advance(time)
      await run
    }
    // Longer than any run.
    this.#ends.push(() => endWithin('61m'))
    return () => endWithin('1m')
  }

  /** Simulates a process that dies during the run of an instant. */
  async die(instant: number): Promise<void> {
    const schedule = { text: 'of a process that dies', version: undefined }
    const terms = { leaseMs: 2 * MINUTE, everyMs: undefined, instantMs: NOON + instant * MINUTE, schedule }
    expect((await this.leases.acquire('report', terms)).kind).toBe('acquired')
  }

  instants(): number[] {
    return this.ran.map((one) => one.for)
  }

  async end(): Promise<void> {
    for (const end of this.#ends) await end()
    expect(this.clock.pending).toBe(0)
  }
}

interface Props {
  apartMs?: number
  job?: () => Promise<void> | void
  missed?: 'once' | 'skip'
  lease?: string
  jitter?: string
  timezone?: string
}

let fleet = new Fleet()
afterEach(async () => {
  await fleet.end()
  fleet = new Fleet()
})

describe('an instant', () => {
  test('runs in one process, by the clock of the store, regardless of the clocks of the processes', async () => {
    for (const apartMs of [0, 10_000, -10_000, 3_600_000])
      fleet.start(`${apartMs}`, '*/10 * * * *', { apartMs })
    await fleet.clock.advance('65m')
    expect(fleet.ran).toEqual(
      [10, 20, 30, 40, 50, 60].map((at) => ({ by: expect.any(String) as string, for: at, missed: 0, at })),
    )
  })

  test('does not run if it was before the first use of its name', async () => {
    await fleet.clock.advance('5m')
    fleet.start('a', '*/10 * * * *')
    await fleet.clock.advance('4m')
    expect(fleet.ran).toEqual([])
    await fleet.clock.advance('2m')
    expect(fleet.instants()).toEqual([10])
  })

  test.each([
    ['once', [{ for: 50, missed: 3, at: 55 }]],
    ['skip', []],
  ] as const)('that passed while no process was running is missed: %s', async (missed, made) => {
    const end = fleet.start('a', '*/10 * * * *', { missed })
    await fleet.clock.advance('15m')
    await end()
    await fleet.clock.advance('39m')
    fleet.start('b', '*/10 * * * *', { missed })
    await fleet.clock.advance(1)
    expect(fleet.ran.slice(1)).toMatchObject(made)
    await fleet.clock.advance('6m')
    expect(fleet.ran.at(-1)).toMatchObject({ for: 60, missed: missed === 'skip' ? 4 : 0 })
  })

  test.each([
    ['once', [10, 20]],
    ['skip', [20]],
  ] as const)('during whose run the process died is missed: %s', async (missed, instants) => {
    const end = fleet.start('a', '0 0 * * *', { missed })
    await end()
    await fleet.clock.advance('9m')
    await fleet.die(10)
    fleet.start('b', '*/10 * * * *', { missed })
    await fleet.clock.advance('15m')
    expect(fleet.instants()).toEqual(instants)
  })

  test('counts as run if it failed', async () => {
    const fail = (): void => {
      throw new Error('no report')
    }
    fleet.start('a', '*/10 * * * *', { job: fail })
    fleet.start('b', '*/10 * * * *', { job: fail })
    await fleet.clock.advance('35m')
    expect(fleet.instants()).toEqual([10, 20, 30])
  })

  test('runs again in another process if its run was stopped', async () => {
    const job = (): Promise<void> => wait('1h')
    const end = fleet.start('a', '*/10 * * * *', {
      job: async () => {
        await wait('5m')
        throw Object.assign(new Error('stopped'), { name: 'AbortError' })
      },
    })
    await fleet.clock.advance('11m')
    fleet.start('b', '*/10 * * * *', { job })
    const ending = end()
    await fleet.clock.advance('6m')
    await ending
    expect(fleet.ran.map((one) => [one.by, one.for])).toEqual([
      ['a', 10],
      ['b', 10],
    ])
  })

  test('keeps all processes waiting until its run ends', async () => {
    let running = 0
    const job = async (): Promise<void> => {
      expect(++running).toBe(1)
      await wait('25m')
      running--
    }
    fleet.start('a', '*/10 * * * *', { job })
    fleet.start('b', '*/10 * * * *', { job })
    await fleet.clock.advance('70m')
    expect(fleet.instants()).toEqual([10, 30, 60])
    expect(fleet.ran.map((one) => one.missed)).toEqual([0, 1, 2])
    await fleet.clock.advance('30m')
  })

  test('has the fence of its lease, and is delayed by the jitter', async () => {
    const fences: unknown[] = []
    fleet.start('a', '*/10 * * * *', {
      jitter: '5m',
      missed: 'skip',
      job: () => void fences.push(currentFence()),
    })
    await fleet.clock.advance('60m')
    expect(fences.length).toBeGreaterThanOrEqual(5)
    expect(new Set(fences).size).toBe(fences.length)
    for (const one of fleet.ran) expect(one.at - one.for).toBeLessThan(5.1)
    expect(fleet.ran.some((one) => one.at !== one.for)).toBe(true)
  })
})

describe('the schedule of the last started replica applies immediately', () => {
  test('to replicas that started before it', async () => {
    const end = fleet.start('old', '0 0 * * *')
    await fleet.clock.advance('1m')
    const endNew = fleet.start('new', '*/10 * * * *')
    await fleet.clock.advance('10m')
    await endNew()
    await fleet.clock.advance('20m')
    expect(fleet.instants()).toEqual([10, 20, 30])
    expect(fleet.ran.slice(1).map((one) => one.by)).toEqual(['old', 'old'])
    await end()
  })

  test('in place of the earlier one', async () => {
    fleet.start('old', '*/10 * * * *')
    await fleet.clock.advance('15m')
    fleet.start('new', '30 12 * * *')
    await fleet.clock.advance('60m')
    expect(fleet.instants()).toEqual([10, 30])
  })

  test('from the start of the last run', async () => {
    const end = fleet.start('old', '20 12 * * *')
    await fleet.clock.advance('50m')
    await end()
    fleet.start('new', '10,40 12 * * *')
    await fleet.clock.advance('1m')
    expect(fleet.instants()).toEqual([20, 40])
  })

  test('with distributedRepeat, too', async () => {
    let runs = 0
    const repeated = (every: string): Worker =>
      distributedRepeat(fleet.leases, 'sync', every, () => void runs++)
    fleet.startWorker(repeated('1m'))
    await fleet.clock.advance('150s')
    expect(runs).toBe(3)
    const end = fleet.startWorker(repeated('10m'))
    await fleet.clock.advance('5m')
    expect(runs).toBe(3)
    await end()
    await fleet.clock.advance('10m')
    expect(runs).toBe(4)
  })

  test('in its time zone', async () => {
    fleet.start('a', '30 13 * * *', { timezone: 'Europe/Berlin' })
    await fleet.clock.advance('1h')
    expect(fleet.instants()).toEqual([30])
  })
})

describe('bad input is rejected at the call:', () => {
  const leases = new MemoryLeaseStore()
  const job = (): void => {}
  test.each<[string, () => unknown, RegExp]>([
    [
      'all',
      () => distributedCron(leases, 'a', '@daily', job, { missed: 'all' }),
      /^distributedCron: missed: expected 'once' or 'skip'; got "all"/,
    ],
    [
      'no store',
      () => distributedCron({} as never, 'a', '@daily', job),
      /^distributedCron: expected a MemoryLeaseStore/,
    ],
    ['no name', () => distributedCron(leases, '', '@daily', job), /^distributedCron: name/],
    ['a pattern without an instant', () => distributedCron(leases, 'a', '0 0 30 2 *', job), /never does/],
    ['an unknown zone', () => distributedCron(leases, 'a', '@daily', job, { timezone: 'Mars' }), /timezone/],
    [
      'a misspelt option',
      () => distributedCron(leases, 'a', '@daily', job, { leas: '1m' } as never),
      /did you mean 'lease'/,
    ],
    [
      'no options',
      () => distributedCron(leases, 'a', '@daily', job, null as never),
      /expected an options object/,
    ],
  ])('%s', (_, call, message) => {
    expect(call).toThrow(InvalidArgumentError)
    expect(call).toThrow(message)
  })
})
