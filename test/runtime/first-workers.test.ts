import fc from 'fast-check'
import {
  type DeclarativeWorker,
  type Runnable,
  Runtime,
  Worker,
  backoff,
  namedWorker,
  retry,
  runAllWorkers,
  runProvidedWorkers,
  supervise,
  wait,
  workerReady,
} from 'runutil'
import { VirtualClock } from 'runutil/testing'
import { describe, expect, test } from 'vitest'
import { comesFirst } from '../../packages/runutil/src/core/worker-kind.ts'
import { capturedLogger } from '../support/logs.ts'
import { failureOf, untilAbort } from '../support/outcome.ts'
import { numRuns, seed } from '../support/property-runs.ts'
import { ObservedRun, named } from '../support/runtime/observed-run.ts'
import { fresh } from '../support/runtime/run-group.ts'

type WorkerFunc = (signal: AbortSignal) => Promise<void>

/** A worker that comes before all others. */
const first = (run: WorkerFunc): { run: WorkerFunc } =>
  ({ [comesFirst]: 'itself', run }) as { run: WorkerFunc }

/** What happened, in order, each with when. */
class Play {
  readonly clock = new VirtualClock({ auto: true })
  readonly runtime = new Runtime()
  readonly lines: { at: number; what: 'start' | 'up' | 'abort' | 'end'; who: string }[] = []
  readonly #runs = new Map<string, number>()

  /** @param failsMs when its first run fails */
  body(who: string, { readyMs = 0, stopMs = 10, failsMs = Infinity } = {}): WorkerFunc {
    return async (signal) => {
      const run = (this.#runs.get(who) ?? 0) + 1
      this.#runs.set(who, run)
      this.#note('start', who)
      try {
        await wait(readyMs, signal)
        this.#note('up', who)
        workerReady()
        const fails = run === 1 && failsMs !== Infinity
        await wait(fails ? failsMs : '1d', signal)
        if (fails && !signal.aborted) throw new Error('flaky')
      } finally {
        if (signal.aborted) {
          this.#note('abort', who)
          await wait(stopMs)
        }
        this.#note('end', who)
      }
    }
  }

  #note(what: Play['lines'][number]['what'], who: string): void {
    this.lines.push({ at: this.clock.elapsed(), what, who })
  }

  /** The places of such lines in the log. @param isOps of the first worker, or of all others */
  places(what: Play['lines'][number]['what'], isOps: boolean): number[] {
    return [...this.lines.keys()].filter((at) => {
      const line = this.lines[at]!
      return line.what === what && (line.who === 'Ops') === isOps
    })
  }

  get shown(): string[] {
    return this.lines.map(({ at, what, who }) => `${at} ${what} ${who}`)
  }

  run(workers: Runnable[], forMs: number, grace?: number): Promise<void> {
    const stop = new AbortController()
    this.clock.setTimeout(() => stop.abort(), forMs)
    const { clock, runtime } = this
    return runAllWorkers(workers, stop.signal, { clock, runtime, logger: capturedLogger().logger, grace })
  }
}

describe('a worker that comes before all others', () => {
  test('is up before they start, and is stopped when they have ended', async () => {
    const play = new Play()
    const ops = first(play.body('Ops', { readyMs: 50 }))
    await play.run([named('A', play.body('A', { stopMs: 300 })), named('Ops', ops)], 1_000, 30_000)
    expect(play.shown).toEqual([
      '0 start Ops',
      '50 up Ops',
      '50 start A',
      '50 up A',
      '1000 abort A',
      '1300 end A',
      '1300 abort Ops',
      '1310 end Ops',
    ])
  })

  const places: Record<string, (ops: { run: WorkerFunc }, other: WorkerFunc) => Runnable> = {
    'under another name': (ops) => namedWorker(ops, 'Ops'),
    'under retry()': (ops) => retry(namedWorker(ops, 'Ops'), backoff('1s')),
    'in a supervisor': (ops, other) => supervise([named('B', other), named('Ops', ops)]),
    'in a supervisor in a supervisor': (ops, other) =>
      named('S', supervise([named('T', supervise([named('Ops', ops)])), named('B', other)])),
    'in a supervisor under retry()': (ops, other) =>
      retry(supervise([named('B', other), named('Ops', ops)]), backoff('1s')),
  }

  test.each(Object.entries(places))('is so %s', async (_, place) => {
    const play = new Play()
    const slow = play.body('A', { stopMs: 300 })
    const placed = place(first(play.body('Ops', { readyMs: 50 })), play.body('B', { stopMs: 100 }))
    await play.run([named('A', slow), placed], 1_000, 30_000)
    expectOrder(play, Infinity)
    expect(play.shown.slice(0, 2)).toEqual(['0 start Ops', '50 up Ops'])
    expect(play.shown.slice(-2)).toEqual(['1300 abort Ops', '1310 end Ops'])
  })

  test('is so in a class, whatever its class comes after', async () => {
    const play = new Play()
    @Worker({ group: 'first-in-class' })
    class Db {
      workers(): Runnable[] {
        return [named('Pool', play.body('Pool', { readyMs: 100 }))]
      }
    }
    @Worker({ group: 'first-in-class', after: [Db] })
    class Ops {
      workers(): Runnable[] {
        return [named('Ops', first(play.body('Ops', { readyMs: 50 }))), named('Other', play.body('Other'))]
      }
    }
    expect(Ops).toBeDefined()
    const stop = new AbortController()
    play.clock.setTimeout(() => stop.abort(), 1_000)
    const logger = capturedLogger().logger
    await runProvidedWorkers(fresh(), stop.signal, { group: 'first-in-class', clock: play.clock, logger })
    expectOrder(play, Infinity)
    expect(play.shown.slice(0, 5)).toEqual([
      '0 start Ops',
      '50 up Ops',
      '50 start Pool',
      '150 up Pool',
      '150 start Other',
    ])
  })

  test('within a run that a worker starts, stops after all others of the outer run', async () => {
    const play = new Play()
    const inner = (signal: AbortSignal): Promise<void> =>
      runAllWorkers([named('B', play.body('B')), named('Ops', first(play.body('Ops')))], signal)
    await play.run([named('Inner', inner), named('A', play.body('A', { stopMs: 300 }), {})], 1_000, 30_000)
    expect(play.shown.slice(-2)).toEqual(['1300 abort Ops', '1310 end Ops'])
  })

  test('within a worker that others come after, does not wait for those that wait for it', async () => {
    const play = new Play()
    const inner = (signal: AbortSignal): Promise<void> => {
      workerReady()
      return runAllWorkers([named('Ops', first(play.body('Ops')))], signal)
    }
    await play.run([named('Db', play.body('Db')), named('Inner', inner, { after: 'Db' })], 1_000)
    expect(play.shown.slice(-4)).toEqual(['1000 abort Ops', '1010 end Ops', '1010 abort Db', '1020 end Db'])
  })

  test('keeps others waiting only for one start of its own', async () => {
    const play = new Play()
    const failing = first(() => Promise.reject(new Error('port in use')))
    const silent = first(untilAbort)
    for (const [ops, startMs] of [
      [named('Ops', failing, { retry: backoff('1h') }), 0],
      [named('Ops', failing, { restart: 'temporary' }), 0],
      [named('Ops', silent, { retry: backoff('1h'), startTimeout: '5s' }), 5_000],
      [named('Ops', silent, { restart: 'temporary' }), 60_000],
      [supervise([named('Ops', failing)], { retry: backoff('1h') }), 0],
    ] as const) {
      const from = play.clock.elapsed()
      play.lines.length = 0
      await play.run([named('A', play.body('A')), ops], 100_000)
      expect(play.lines[0]).toEqual({ at: from + startMs, what: 'start', who: 'A' })
    }
  })

  test('is not restarted with others, nor they with it', async () => {
    for (const strategy of ['one_for_one', 'rest_for_one', 'one_for_all'] as const) {
      const play = new Play()
      const ops = (name: string, failsMs?: number): DeclarativeWorker =>
        named(name, first(play.body(name, failsMs === undefined ? {} : { failsMs })))
      const others = [named('A', play.body('A', { failsMs: 500 })), named('B', play.body('B'))]
      const group = supervise([ops('Ops'), ...others, ops('Flaky', 2_000)], {
        strategy,
        retry: backoff('1s'),
      })
      await play.run([group], 10_000)
      const starts = (who: string): number =>
        play.lines.filter((line) => line.who === who && line.what === 'start').length
      expect([starts('Ops'), starts('A'), starts('B'), starts('Flaky')]).toEqual([
        1,
        2,
        strategy === 'one_for_one' ? 1 : 2,
        2,
      ])
    }
  })

  test('has at least the last second of the grace period, or the last tenth', async () => {
    for (const [grace, abortedAt] of [
      [30_000, 30_000],
      [1_000, 1_900],
    ] as const) {
      const play = new Play()
      const deaf = play.body('Deaf', { stopMs: 60_000 })
      const dependent = named('Deaf', deaf, { after: 'Ops' })
      const run = play.run([dependent, named('Ops', first(play.body('Ops'))), untilAbort], 1_000, grace)
      expect((await failureOf(run)).message).toBe(`/Deaf: still running ${grace} ms after the abort: /Deaf`)
      expect(play.shown).toContain(`${abortedAt} abort Ops`)
    }
  })

  test('waits for one that has used up its stopTimeout, as long as the group does', async () => {
    const play = new Play()
    const slow = named('Slow', play.body('Slow', { stopMs: 5_000 }), { stopTimeout: '1s' })
    await play.run([slow, named('Ops', first(play.body('Ops')))], 1_000, 30_000)
    expect(play.shown.slice(-2)).toEqual(['6000 abort Ops', '6010 end Ops'])
  })

  test('does not wait for it without a grace period, as the group does not either', async () => {
    const play = new Play()
    const slow = named('Slow', play.body('Slow', { stopMs: 5_000 }), { stopTimeout: '1s' })
    const run = play.run([slow, named('Ops', first(play.body('Ops')))], 1_000)
    expect((await failureOf(run)).message).toContain('/Slow: still running')
    expect(play.shown.slice(-2)).toEqual(['2000 abort Ops', '2010 end Ops'])
  })

  test('is stopped by an operator, and with its supervisor, like any other', async () => {
    const run = new ObservedRun()
    const ops = first((signal) => (workerReady(), untilAbort(signal)))
    void run.start(named('S', supervise([named('Ops', ops), named('A')])), named('B'))
    await run.clock.advance(0)
    void run.runtime.restart('/S/Ops')
    await run.clock.advance(0)
    expect(run.runtime.get('/S/Ops')).toMatchObject({ state: 'ready', runs: 2 })
    expect(run.runtime.get('/S/A')).toMatchObject({ state: 'ready', runs: 1 })
    void run.runtime.restart('/S')
    await run.clock.advance(0)
    expect(run.states()).toMatchObject({ '/S/Ops': 'ready', '/S/A': 'ready', '/B': 'ready' })
    expect(run.runtime.get('/B')).toMatchObject({ runs: 1 })
    await run.end()
  })

  test('cannot come after another', async () => {
    const ops = named('Ops', first(untilAbort), { after: 'Db' })
    const asked = runAllWorkers([ops, named('Db')])
    await expect(asked).rejects.toThrow(
      "runAllWorkers: expected no after for 'Ops', since it starts before all others; got 'Db'; leave it out",
    )
    const within = named('S', supervise([named('Ops', first(untilAbort))]), { after: 'Db' })
    await expect(runAllWorkers([within, named('Db')])).rejects.toThrow(
      "expected no after for 'S', since a worker that it supervises starts before all others; got 'Db'; move that worker to",
    )
  })
})

/** Up before all others start, aborted once when all have ended or at `latest`. */
function expectOrder(play: Play, latest: number): void {
  const [up = Infinity] = play.places('up', true)
  expect(Math.min(...play.places('start', false))).toBeGreaterThan(up)
  expect(play.places('start', true)).toHaveLength(1)
  const aborts = play.places('abort', true)
  expect(aborts).toHaveLength(1)
  const { at } = play.lines[aborts[0]!]!
  if (at < latest) expect(Math.max(...play.places('end', false))).toBeLessThan(aborts[0]!)
}

interface Member {
  readonly ms: { readonly readyMs: number; readonly stopMs: number; readonly failsMs: number }
  /** Which of those before it in the list it comes after. */
  readonly after: readonly boolean[]
}

const ms = (max: number): fc.Arbitrary<number> => fc.integer({ min: 0, max })
const member: fc.Arbitrary<Member> = fc.record({
  ms: fc.record({ readyMs: ms(500), stopMs: ms(1_500), failsMs: fc.oneof(ms(3_000), fc.constant(Infinity)) }),
  after: fc.array(fc.boolean(), { maxLength: 4 }),
})
const members = fc.array(member, { maxLength: 4 })
const strategies = fc.constantFrom('one_for_one', 'rest_for_one', 'one_for_all')

test('whatever comes after what, fails and takes long, it is up first and stopped last, within grace', async () => {
  const program = fc.record({
    outer: members,
    inner: members,
    strategy: strategies,
    /** Where it is: in the run, or in the supervisor of `inner`. */
    isInside: fc.boolean(),
    at: fc.nat(4),
    readyMs: ms(300),
    stopsAt: ms(5_000),
    grace: fc.option(ms(3_000), { nil: undefined }),
  })
  const law = fc.asyncProperty(
    program,
    async ({ outer, inner, isInside, at, readyMs, stopsAt, grace, strategy }) => {
      const play = new Play()
      const workers = (given: readonly Member[], prefix: string): DeclarativeWorker[] =>
        given.map(({ ms, after }, index) =>
          named(`${prefix}${index}`, play.body(`${prefix}${index}`, ms), {
            after: after.slice(0, index).flatMap((isAfter, place) => (isAfter ? [`${prefix}${place}`] : [])),
            retry: backoff('100ms'),
            // A restart in which it took longer than the grace period would be given up.
            stopTimeout: '1m',
          }),
        )
      const ops = named('Ops', first(play.body('Ops', { readyMs })))
      const inside = workers(inner, 'I')
      const outside = workers(outer, 'O')
      ;(isInside ? inside : outside).splice(at, 0, ops)
      const all = [...outside, named('S', supervise(inside, { strategy }))]
      await play.run(all, stopsAt, grace).catch(() => {})
      const endsAt = grace === undefined ? Infinity : stopsAt + grace
      const latest = grace === undefined ? Infinity : endsAt - Math.min(1_000, Math.max(grace / 10, 2)) - 1
      if (play.places('up', true).length > 0) expectOrder(play, latest)
      const aborted = play.lines.find(({ what, who }) => what === 'abort' && who === 'Ops')
      expect(aborted!.at).toBeLessThanOrEqual(endsAt)
    },
  )
  await fc.assert(law, { numRuns, seed })
})
