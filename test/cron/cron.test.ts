import { RunTimeoutError, WorkerGroupError, backoff, currentRun, retry, runAllWorkers, wait } from 'runutil'
import { type CronOptions, cron } from 'runutil/cron'
import { VirtualClock } from 'runutil/testing'
import { describe, expect, test } from 'vitest'
import { capturedLogger } from '../support/logs.ts'
import { failureOf, follow } from '../support/outcome.ts'

const MINUTE = 60_000
const NOON = Date.UTC(2026, 0, 1, 12)

/** Minutes past noon. */
const minutes = (date: Date | number): number => (Number(date) - NOON) / MINUTE

interface Seen {
  readonly at: number
  readonly for: number
  readonly missed: number
}

/** A cron on virtual time that starts at noon on 2026-01-01, and a record of its runs. */
class Watched {
  readonly clock = new VirtualClock({ now: NOON })
  readonly stop = new AbortController()
  readonly log = capturedLogger()
  readonly seen: Seen[] = []
  readonly run: Promise<void>
  readonly ended: ReturnType<typeof follow>

  constructor(
    pattern: string,
    options: CronOptions = {},
    job: (signal: AbortSignal) => Promise<void> | void = () => {},
  ) {
    const worker = cron(
      pattern,
      (signal) => {
        const { scheduledFor, missed } = currentRun()!
        this.seen.push({ at: minutes(this.clock.now()), for: minutes(scheduledFor), missed })
        return job(signal)
      },
      options,
    )
    this.run = runAllWorkers([{ name: 'Report', worker }], this.stop.signal, {
      clock: this.clock,
      logger: this.log.logger,
    })
    this.ended = follow(this.run)
  }

  /** Suspends the machine: the time of day advances, timers don't. */
  sleep(forMinutes: number): void {
    this.clock.set(this.clock.now() + forMinutes * MINUTE)
  }

  async end(): Promise<void> {
    this.stop.abort()
    await this.clock.advance('1h')
    await this.run
    expect(this.clock.pending).toBe(0)
  }
}

describe('cron', () => {
  test('runs at its instants, and not before the first', async () => {
    const watched = new Watched('*/10 * * * *')
    await watched.clock.advance('35m')
    expect(watched.seen).toEqual([10, 20, 30].map((at) => ({ at, for: at, missed: 0 })))
    await watched.end()
  })

  test('never runs concurrently with itself, and runs the latest instant that passed during a run, late', async () => {
    const watched: Watched = new Watched('* * * * *', {}, () => wait(watched.seen.length === 1 ? 210_000 : 0))
    await watched.clock.advance('6m')
    expect(watched.seen).toEqual([
      { at: 1, for: 1, missed: 0 },
      { at: 4.5, for: 4, missed: 2 },
      { at: 5, for: 5, missed: 0 },
      { at: 6, for: 6, missed: 0 },
    ])
    await watched.end()
  })

  test.each<[NonNullable<CronOptions['missed']>, Seen[]]>([
    ['once', [{ at: 33, for: 30, missed: 2 }]],
    ['skip', []],
    [
      'all',
      [
        { at: 33, for: 10, missed: 0 },
        { at: 33, for: 20, missed: 0 },
        { at: 33, for: 30, missed: 0 },
      ],
    ],
  ])('after a suspension over three instants: %s', async (missed, made) => {
    const watched = new Watched('*/10 * * * *', { missed })
    await watched.clock.advance('1m')
    watched.sleep(31)
    // It checks the clock at least once a minute.
    await watched.clock.advance('1m')
    expect(watched.seen).toEqual(made)
    await watched.clock.advance('10m')
    expect(watched.seen.at(-1)).toEqual({ at: 40, for: 40, missed: missed === 'skip' ? 3 : 0 })
    await watched.end()
  })

  test('with skip, the latest instant still runs within the tolerance', async () => {
    const watched = new Watched('*/10 * * * *', { missed: 'skip', tolerance: '5m' })
    await watched.clock.advance('1m')
    watched.sleep(31)
    await watched.clock.advance('1m')
    expect(watched.seen).toEqual([{ at: 33, for: 30, missed: 2 }])
    await watched.end()
  })

  test('runs at most a hundred missed instants', async () => {
    const watched = new Watched('* * * * *', { missed: 'all' })
    await watched.clock.advance('30s')
    watched.sleep(1_000)
    await watched.clock.advance('1m')
    expect(watched.seen).toHaveLength(100)
    expect(watched.seen[0]).toMatchObject({ for: 902, missed: 901 })
    expect(watched.seen.at(-1)).toMatchObject({ for: 1_001, missed: 0 })
    await watched.end()
  })

  test('counts at most ten thousand missed instants, and runs the latest', async () => {
    const watched = new Watched('* * * * * *')
    await watched.clock.advance('500ms')
    watched.sleep(60 * 24)
    await watched.clock.advance('1s')
    expect(watched.seen[0]!.missed).toBeGreaterThanOrEqual(9_999)
    expect(watched.seen[0]!.for).toBeCloseTo(1_440, 1)
    await watched.end()
  })

  test('does not repeat instants when the clock is set back', async () => {
    const watched = new Watched('*/10 * * * *')
    await watched.clock.advance('31m')
    watched.sleep(-25)
    await watched.clock.advance('40m')
    expect(watched.seen.map((run) => run.for)).toEqual([10, 20, 30, 40])
    await watched.end()
  })

  test.each(['once', 'skip', 'all'] as const)(
    'neither repeats an instant nor counts it as missed when the clock is set back and then forward (%s)',
    async (missed) => {
      const watched = new Watched('*/10 * * * *', { missed, tolerance: '10m' })
      await watched.clock.advance('31m')
      watched.sleep(-2.5)
      // It checks the clock, which is before the instant of the last run.
      await watched.clock.advance('1m')
      watched.sleep(15)
      await watched.clock.advance('1m')
      expect(watched.seen.map((run) => [run.for, run.missed])).toEqual([10, 20, 30, 40].map((at) => [at, 0]))
      await watched.end()
    },
  )

  test('continues from the new time when a wrong clock is set back before the first run', async () => {
    const watched = new Watched('*/10 * * * *')
    await watched.clock.advance('1m')
    watched.sleep(-24 * 60)
    await watched.clock.advance('20m')
    expect(watched.seen).toHaveLength(2)
    await watched.end()
  })

  test('counts instants that pass during a backoff as missed', async () => {
    const clock = new VirtualClock({ now: NOON })
    const stop = new AbortController()
    const seen: unknown[] = []
    const worker = cron('* * * * *', () => {
      const { scheduledFor, missed } = currentRun()!
      seen.push([minutes(clock.now()), minutes(scheduledFor), missed])
      if (seen.length === 1) throw new Error('no connection')
    })
    const { logger } = capturedLogger()
    const entry = { name: 'Report', worker, retry: backoff('150s') }
    const run = runAllWorkers([entry], stop.signal, { clock, logger })
    await clock.advance('5m')
    expect(seen).toEqual([
      [1, 1, 0],
      [3.5, 3, 1],
      [4, 4, 0],
      [5, 5, 0],
    ])
    stop.abort()
    await run
  })

  test('runs twice if it is in a list twice', async () => {
    const clock = new VirtualClock({ now: NOON })
    const stop = new AbortController()
    let runs = 0
    const worker = cron('* * * * *', () => void runs++)
    const run = runAllWorkers([worker, worker], stop.signal, { clock })
    await clock.advance('2m')
    stop.abort()
    await run
    expect(runs).toBe(4)
  })

  test('fails with the error of a run, and continues if it is retried', async () => {
    const error = new Error('no report')
    const fail = (): void => {
      throw error
    }
    const watched = new Watched('* * * * *', {}, fail)
    await watched.clock.advance('1m')
    expect((await failureOf<WorkerGroupError>(watched.run)).errors).toEqual([error])
    const clock = new VirtualClock({ now: NOON })
    const stop = new AbortController()
    const { logger, lines } = capturedLogger()
    const again = runAllWorkers([retry(cron('* * * * *', fail), backoff('1s'))], stop.signal, {
      clock,
      logger,
    })
    await clock.advance('3m')
    stop.abort()
    await again
    expect(lines.filter(({ msg }) => msg === 'worker failed')).toHaveLength(3)
  })

  test('delays each start by its jitter, but never until the next instant', async () => {
    const watched = new Watched('* * * * *', { jitter: '1h', missed: 'skip', tolerance: 0 })
    await watched.clock.advance('21m')
    expect(watched.seen.length).toBeGreaterThanOrEqual(20)
    for (const run of watched.seen) {
      expect(run.at - run.for).toBeGreaterThanOrEqual(0)
      expect(run.at - run.for).toBeLessThan(1)
      expect(run.missed).toBe(0)
    }
    expect(watched.seen.some((run) => run.at !== run.for)).toBe(true)
    await watched.end()
  })

  test('aborts a run after its timeout', async () => {
    const watched = new Watched('* * * * *', { timeout: '5s' }, (signal) => wait('1h', signal))
    await watched.clock.advance('2m')
    expect((await failureOf<WorkerGroupError>(watched.run)).errors).toEqual([expect.any(RunTimeoutError)])
    expect(watched.clock.pending).toBe(0)
  })

  test('logs once that a run is slow, after ten times its interval', async () => {
    const watched = new Watched('*/10 * * * *', {}, (signal) => wait('1d', signal))
    const slow = (): number => watched.log.lines.filter(({ msg }) => msg.startsWith('slow: ')).length
    await watched.clock.advance('109m')
    expect(slow()).toBe(0)
    await watched.clock.advance('2m')
    expect(slow()).toBe(1)
    await watched.clock.advance('2h')
    expect(slow()).toBe(1)
    await watched.end()
  })

  test.each([
    ['while it waits', 90],
    ['at the time of a start', 60],
  ])('starts nothing after the abort: %s', async (_, seconds) => {
    const watched = new Watched('* * * * *')
    watched.clock.setTimeout(() => watched.stop.abort(), seconds * 1_000)
    await watched.clock.advance('5m')
    await watched.run
    expect(watched.seen.length).toBeLessThanOrEqual(1)
    expect(watched.clock.pending).toBe(0)
  })

  test('waits for the abort once its last year is over', async () => {
    const watched = new Watched('0 1 12 1 1 * 2026-2027')
    await watched.clock.advance('2m')
    watched.sleep(3 * 366 * 24 * 60)
    await watched.clock.advance('5m')
    expect(watched.seen).toHaveLength(2)
    expect(watched.ended.settled).toBe('no')
    await watched.end()
  })
})
