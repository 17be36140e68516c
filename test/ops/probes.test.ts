import {
  type DeclarativeWorker,
  type Runnable,
  backoff,
  repeat,
  runAllWorkers,
  shutdownSignal,
  supervise,
  wait,
  workerReady,
} from 'runutil'
import { JobQueue, MemoryJobStore, QueueWorker } from 'runutil/queue'
import { describe, expect, test } from 'vitest'
import type { OpsOptions } from '../../packages/runutil/src/ops/ops-options.ts'
import type { ProbeAnswer } from '../../packages/runutil/src/ops/probes/probes-model.ts'
import { Probes } from '../../packages/runutil/src/ops/probes/probes.ts'
import { untilAbort } from '../support/outcome.ts'
import { ObservedRun, named } from '../support/runtime/observed-run.ts'

type Checks = NonNullable<OpsOptions['checks']>

/** A run on virtual time, and its probes. */
class Probed extends ObservedRun {
  readonly probes: Probes

  constructor(checks: Checks = {}) {
    super({ grace: '30s' })
    this.probes = new Probes({ runtime: this.runtime, checks })
  }

  async begin(...workers: Runnable[]): Promise<void> {
    this.start(...workers).catch(() => {})
    await this.clock.advance(0)
  }

  started = (): string => shown(this.probes.started())
  ready = async (): Promise<string> => shown(await this.probes.ready())
  live = (): string => shown(this.probes.live())
}

/** As '200', or '503 /A: starting, /B: waiting'. */
function shown({ status, body }: ProbeAnswer): string {
  expect(body.ok).toBe(status === 200)
  return [status, body.reasons.map(({ who, why }) => `${who}: ${why}`).join(', ')].join(' ').trim()
}

const never = (): Promise<void> => new Promise(() => {})

/** Is ready after `ms`, and fails `failsAfterMs` later. */
const readyAfter =
  (ms: number, failsAfterMs = Infinity) =>
  async (signal: AbortSignal): Promise<void> => {
    await wait(ms, signal)
    workerReady()
    if (failsAfterMs === Infinity) return untilAbort(signal)
    await wait(failsAfterMs, signal)
    throw new Error('flaky')
  }

describe('before and after a run', () => {
  test('nothing has begun and nothing hangs', async () => {
    for (const probes of [new Probes(), new Probed().probes]) {
      expect(shown(probes.started())).toBe('503 run: has not begun')
      expect(shown(await probes.ready())).toBe('503 run: has not begun')
      expect(shown(probes.live())).toBe('200')
    }
  })

  test('it is not ready, but lives', async () => {
    const run = new Probed()
    await run.begin(untilAbort)
    await run.end()
    expect(await run.ready()).toBe('503 shutdown: the run has ended')
    expect([run.started(), run.live()]).toEqual(['200', '200'])
  })

  test('another run of the same Runtime starts up anew', async () => {
    const run = new Probed()
    await run.begin(untilAbort)
    expect(run.started()).toBe('200')
    await run.end()
    const stop = new AbortController()
    const { clock, runtime } = run
    const slow = named('Slow', readyAfter(1_000), { startTimeout: '1m' })
    const again = runAllWorkers([slow], stop.signal, { clock, runtime, logger: run.log.logger })
    await clock.advance(999)
    expect([run.started(), await run.ready()]).toEqual(['503 /Slow: starting', '503 /Slow: starting'])
    await clock.advance(1)
    expect([run.started(), await run.ready()]).toEqual(['200', '200'])
    stop.abort()
    await again
  })
})

describe('startup', () => {
  test('is over once each worker that is not temporary has been ready, also if not all at once', async () => {
    const run = new Probed()
    await run.begin(
      named('Flaky', readyAfter(1_000, 1_000), { startTimeout: '1m', retry: backoff('1h') }),
      named('Inner', supervise([named('Slow', readyAfter(5_000), { startTimeout: '1m' })])),
      named('Next', untilAbort, { after: 'Inner' }),
      named('Extra', never, { restart: 'temporary', startTimeout: '1h' }),
    )
    expect(run.started()).toBe(
      '503 /Flaky: starting, /Inner: starting, /Inner/Slow: starting, /Next: waiting',
    )
    await run.clock.advance('3s')
    expect(run.states()).toMatchObject({ '/Flaky': 'restarting' })
    expect(run.started()).toBe('503 /Inner: starting, /Inner/Slow: starting, /Next: waiting')
    await run.clock.advance('2s')
    expect(run.states()).toMatchObject({ '/Flaky': 'restarting' })
    expect(run.started()).toBe('200')
    run.stop()
    await run.clock.advance('30s')
    expect(run.started()).toBe('200')
    await run.over.catch(() => {})
  })

  test('does not wait for a worker that an operator has stopped', async () => {
    const run = new Probed()
    await run.begin(named('Slow', readyAfter(60_000), { startTimeout: '1h' }))
    expect(run.started()).toBe('503 /Slow: starting')
    void run.runtime.stop('/Slow')
    await run.clock.advance(0)
    expect(run.started()).toBe('200')
    await run.end()
  })
})

describe('readiness', () => {
  const failing = (): Promise<void> => Promise.reject(new Error('x'))
  const retried = { retry: backoff('1h') }
  /** Workers whose state, a second after the start, is 'restarting' or 'failed', and whether that counts. */
  const workers: Record<string, [DeclarativeWorker[], counts: boolean]> = {
    'that has called workerReady()': [[named('A', readyAfter(0, 100), retried)], true],
    'that has not, but another is after it': [
      [named('A', failing, retried), named('B', untilAbort, { after: 'A' })],
      true,
    ],
    'that has not, but has a startTimeout': [[named('A', failing, { ...retried, startTimeout: '1m' })], true],
    'in a supervisor': [[named('S', supervise([named('A', readyAfter(0, 100), retried)]))], true],
    'that never says its readiness': [[named('A', failing, retried)], false],
    'that repeats': [[named('A', repeat('100ms', failing), retried)], false],
    'that is temporary': [[named('A', readyAfter(0, 100), { restart: 'temporary' })], false],
  }

  test.each(Object.entries(workers))('with a worker that is down, %s', async (_, [given, counts]) => {
    const run = new Probed()
    await run.begin(named('Other'), ...given)
    await run.clock.advance('1s')
    const path = Object.keys(run.states()).find((one) => one.endsWith('/A'))!
    expect(['restarting', 'failed']).toContain(run.states()[path])
    expect(await run.ready()).toBe(counts ? `503 ${path}: restarting` : '200')
    await run.end()
  })

  test('returns with the restart', async () => {
    const run = new Probed()
    await run.begin(named('A', readyAfter(1_000, 10_000), { startTimeout: '1m', retry: backoff('1s') }))
    const seen: string[] = []
    for (let second = 0; second < 14; second += 2) {
      await run.clock.advance(second === 0 ? 500 : '2s')
      seen.push(await run.ready())
    }
    const down = '503 /A: starting'
    const up = '200'
    expect(seen).toEqual([down, up, up, up, up, up, down])
    await run.end()
  })

  test('does not depend on what an operator has paused or stopped', async () => {
    const run = new Probed()
    const queue = new JobQueue(new MemoryJobStore({ clock: run.clock }))
    const worker = new QueueWorker(queue).register('a', () => {})
    await run.begin(named('Queue', worker), named('A', readyAfter(0), retried), named('B'))
    await run.clock.advance('1s')
    await run.runtime.pause('/Queue')
    void run.runtime.stop('/A')
    await run.clock.advance('1s')
    expect(run.states()).toMatchObject({ '/Queue': 'paused', '/A': 'stopped' })
    expect(await run.ready()).toBe('200')
    await run.end()
  })

  test('ends with the first signal to stop, before the delay that its run still has', async () => {
    const signal = shutdownSignal({ signals: ['SIGUSR2'], delay: '1h' })
    const run = new Probed({ db: () => Promise.reject(new Error('is not asked any more')) })
    const { clock, runtime } = run
    const over = runAllWorkers([untilAbort], signal, { clock, runtime, logger: run.log.logger })
    await clock.advance(0)
    expect(await run.ready()).toBe('503 check db: Error')
    process.emit('SIGUSR2', 'SIGUSR2')
    expect(signal.aborted).toBe(false)
    expect(await run.ready()).toBe('503 shutdown: shutdown requested by SIGUSR2')
    expect([run.started(), run.live()]).toEqual(['200', '200'])
    // Ends the run, and the delay with it.
    await runtime.remove('/#0')
    await over
  })

  test('names at most 100 workers', async () => {
    const run = new Probed()
    await run.begin(...Array.from({ length: 101 }, (_, at) => named(`A${at}`, never, { startTimeout: '1h' })))
    expect((await run.probes.ready()).body.reasons).toHaveLength(100)
    expect(run.probes.started().body.reasons).toHaveLength(100)
    run.stop()
    await run.clock.advance('1m')
    await run.over.catch(() => {})
  })
})

describe('checks', () => {
  /** A check whose calls are answered by hand. */
  class Asked {
    readonly signals: AbortSignal[] = []
    readonly answers: { pass: () => void; fail: (error: unknown) => void }[] = []

    readonly check = (signal: AbortSignal): Promise<void> => {
      this.signals.push(signal)
      return new Promise((pass, fail) => this.answers.push({ pass, fail }))
    }
  }

  async function probed(checks: Checks): Promise<Probed> {
    const run = new Probed(checks)
    await run.begin(untilAbort)
    return run
  }

  test('run together, once for all who ask, and hold for 5 s', async () => {
    const a = new Asked()
    const b = new Asked()
    const run = await probed({ a: a.check, b: b.check })
    const answers = Promise.all([run.ready(), run.ready()])
    expect([a.signals.length, b.signals.length]).toEqual([1, 1])
    a.answers[0]!.pass()
    b.answers[0]!.fail(Object.assign(new Error('password of user x is wrong'), { code: 'E28P01' }))
    expect(await answers).toEqual(Array(2).fill('503 check b: Error E28P01'))
    await run.clock.advance(4_999)
    expect(await run.ready()).toBe('503 check b: Error E28P01')
    expect(a.signals.length).toBe(1)
    await run.clock.advance(1)
    const later = run.ready()
    for (const { answers } of [a, b]) answers[1]!.pass()
    expect(await later).toBe('200')
    expect([...a.signals, ...b.signals].some(({ aborted }) => aborted)).toBe(false)
    await run.end()
  })

  test('that give no answer within 1 s have failed, are aborted, and never run twice at once', async () => {
    const asked = new Asked()
    const run = await probed({ db: asked.check })
    const first = run.ready()
    await run.clock.advance(999)
    expect(asked.signals[0]!.aborted).toBe(false)
    await run.clock.advance(1)
    expect(await first).toBe('503 check db: no answer within 1000 ms')
    expect(asked.signals[0]!.aborted).toBe(true)
    await run.clock.advance('1h')
    // It still hangs: the answer comes at once, without another call.
    expect(await run.ready()).toBe('503 check db: no answer within 1000 ms')
    expect(asked.signals.length).toBe(1)
    asked.answers[0]!.pass()
    await run.clock.advance(0)
    const again = run.ready()
    expect(asked.signals.length).toBe(2)
    asked.answers[1]!.pass()
    expect(await again).toBe('200')
    expect(run.live()).toBe('200')
    await run.end()
  })

  test('may throw instead of rejecting, and return nothing', async () => {
    const run = await probed({
      bad: () => {
        throw new TypeError('x')
      },
      good: (() => {}) as unknown as Checks[string],
    })
    expect(await run.ready()).toBe('503 check bad: TypeError')
    await run.end()
  })

  test('must be functions', () => {
    expect(() => new Probes({ checks: { db: 1 as never } })).toThrow(
      'checks: db: expected a function (signal) => Promise; got 1',
    )
  })
})

describe('liveness', () => {
  const deaf = (): Promise<void> => never()

  test.each<[string, (worker: Runnable) => Runnable, string]>([
    ['of the run', (worker) => worker, '/Deaf'],
    ['of a supervisor', (worker) => named('S', supervise([worker])), '/S/Deaf'],
  ])('ends when a worker %s hangs and outlives its stop', async (_, within, path) => {
    const run = new Probed()
    const slow = async (signal: AbortSignal): Promise<void> => {
      await untilAbort(signal)
      await wait('20s')
    }
    const rules = { watchdog: '1m', stopTimeout: '5s', retry: backoff('1s') } as const
    await run.begin(within(named('Deaf', deaf, rules)), named('Slow', slow))
    await run.clock.advance('64s')
    expect([run.states()[path], run.live()]).toEqual(['hung', '200'])
    await run.clock.advance('2s')
    expect(run.live()).toBe(`503 ${path}: hangs, and does not end`)
    expect(await run.ready()).toBe('503 shutdown: the run is stopping')
    await run.clock.advance('1m')
    expect(run.live()).toBe(`503 ${path}: hangs, and does not end`)
    await expect(run.over).rejects.toThrow()
  })

  test('does not end by a stop, also if a worker never ends', async () => {
    const run = new Probed()
    await run.begin(named('Deaf', deaf), named('S', supervise([named('Deaf', deaf)])))
    run.stop()
    expect(run.live()).toBe('200')
    await run.clock.advance('31s')
    await expect(run.over).rejects.toThrow('still running')
    expect(run.live()).toBe('200')
  })
})
