import { MemoryLeaseStore, distributedCron, distributedRepeat } from 'runutil/leases'
import {
  InvalidArgumentError,
  NoSuchWorkerError,
  NotPausableError,
  type Worker,
  backoff,
  repeat,
  supervise,
} from 'runutil'
import { cron } from 'runutil/cron'
import { VirtualClock } from 'runutil/testing'
import { describe, expect, test } from 'vitest'
import { failureOf, follow, untilAbort } from '../support/outcome.ts'
import { ObservedRun, named } from '../support/runtime/observed-run.ts'

/** A run of a job whose first run fails at 1 min, so that it is in a backoff until 10.5 min. */
class Failing extends ObservedRun {
  readonly runs: number[] = []

  constructor(make: (job: () => void) => Worker) {
    super({ clock: new VirtualClock({ now: Date.UTC(2026, 0, 1, 12) }) })
    const worker = make(() => {
      this.runs.push(this.clock.elapsed() / 60_000)
      if (this.runs.length === 1) throw new Error('no report')
    })
    void this.start(named('Job', worker, { retry: backoff('570s') }), untilAbort)
  }

  get state(): string {
    return this.runtime.get('/Job')!.state
  }

  async inBackoff(): Promise<this> {
    await this.clock.advance('2m')
    expect([this.state, this.runs]).toEqual(['restarting', [1]])
    return this
  }
}

describe.each<[string, (job: () => void) => Worker]>([
  ['repeat', (job) => repeat('1m', job)],
  ['cron', (job) => cron('0 * * * * *', job, { missed: 'skip', tolerance: '1s' })],
])('in a backoff, a %s', (_, make) => {
  test('that is paused does not start or run until it is resumed', async () => {
    const failing = await new Failing(make).inBackoff()
    await failing.runtime.pause('/Job')
    expect(failing.state).toBe('restarting')
    await failing.clock.advance('30m')
    expect([failing.state, failing.runs]).toEqual(['paused', [1]])
    await failing.runtime.resume('/Job')
    await failing.clock.advance('61s')
    expect([failing.state, failing.runs.length]).toEqual(['ready', 2])
    await failing.end()
  })

  test('that is paused and resumed continues when the backoff is over', async () => {
    const failing = await new Failing(make).inBackoff()
    await failing.runtime.pause('/Job')
    await failing.runtime.resume('/Job')
    await failing.clock.advance('8m')
    expect([failing.state, failing.runs]).toEqual(['restarting', [1]])
    await failing.clock.advance('95s')
    expect([failing.state, failing.runs.length]).toEqual(['ready', 2])
    await failing.end()
  })

  test.each([false, true])(
    'that is triggered runs when the backoff is over (paused: %s)',
    async (isPaused) => {
      const failing = await new Failing(make).inBackoff()
      if (isPaused) await failing.runtime.pause('/Job')
      const triggered = follow(failing.runtime.trigger('/Job'))
      await failing.clock.advance('8m')
      expect(triggered.settled).toBe('no')
      await failing.clock.advance('45s')
      expect([triggered.settled, failing.runs]).toEqual(['resolved', [1, 10.5]])
      expect(failing.state).toBe(isPaused ? 'paused' : 'ready')
      await failing.end()
    },
  )

  test('that is stopped stays stopped, and rejects an earlier trigger', async () => {
    const failing = await new Failing(make).inBackoff()
    const triggered = failureOf(failing.runtime.trigger('/Job'))
    await failing.runtime.stop('/Job')
    expect(await triggered).toEqual(expect.any(NotPausableError))
    await failing.clock.advance('1h')
    expect([failing.state, failing.runs]).toEqual(['stopped', [1]])
    await failing.end()
  })

  test('that is triggered rejects the trigger with the reason of the abort', async () => {
    const failing = await new Failing(make).inBackoff()
    const triggered = failureOf(failing.runtime.trigger('/Job'))
    const reason = new Error('bye')
    failing.stop(reason)
    await failing.end()
    expect(await triggered).toBe(reason)
  })
})

test('a stop does not wait for a triggered run', async () => {
  const run = new ObservedRun()
  const { clock, runtime } = run
  void run.start(named('Job', repeat('1h', untilAbort)), untilAbort)
  const triggered = follow(runtime.trigger('/Job'))
  await clock.advance('1m')
  expect(triggered.settled).toBe('no')
  await runtime.stop('/Job')
  expect([runtime.get('/Job')!.state, triggered.settled]).toEqual(['stopped', 'resolved'])
  await run.end()
})

test.each([
  distributedRepeat(new MemoryLeaseStore(), 'sync', '1h', () => {}),
  distributedCron(new MemoryLeaseStore(), 'sync', '0 6 * * *', () => {}),
])('a run that has a lease cannot be triggered, and a restart is not said to help', async (worker) => {
  const run = new ObservedRun()
  void run.start(named('Sync', worker))
  const { message } = await failureOf(run.runtime.trigger('/Sync'))
  expect(message).toMatch(/^cannot trigger '\/Sync', a (repeat|cron): its lease decides when it runs/)
  expect(message).not.toContain('restart')
  await run.end()
})

test('the error for a worker that cannot be paused or triggered says what to do', async () => {
  const run = new ObservedRun()
  const { runtime } = run
  const job = repeat('1m', () => {})
  void run.start(named('Api'), named('Sup', supervise([])), named('Job', job))
  for (const path of ['/Api', '/Sup', '']) {
    expect((await failureOf(runtime.pause(path))).message).toMatch(
      /^cannot pause '.*', a (worker|supervisor): only repeat and cron .* can be paused; use stop$/,
    )
    expect((await failureOf(runtime.trigger(path))).message).toMatch(/; use restart to run it again$/)
  }
  await runtime.stop('/Job')
  await runtime.pause('/Job')
  expect(await failureOf(runtime.trigger('/Job'))).toMatchObject({
    name: 'NotPausableError',
    message: "cannot trigger '/Job', a repeat: it is stopped; start it first",
  })
  await runtime.start('/Job')
  expect(runtime.get('/Job')!.state).toBe('paused')
  await run.end()
})

test('the error for a group that does not run, and for a worker of it, says that it has to be started', async () => {
  const run = new ObservedRun()
  const over = run.start(named('Sup', supervise([named('A', untilAbort)])), named('Api', untilAbort))
  await run.runtime.stop('/Sup')
  const hint = "expected a group that runs; '/Sup', a supervisor, is stopped; start it first"
  await expect(run.runtime.add('/Sup', named('B', untilAbort))).rejects.toThrow(`add: ${hint}`)
  await expect(run.runtime.restart('/Sup/A')).rejects.toThrow(`/Sup/A: ${hint}`)
  await run.runtime.start('/Sup')
  await run.runtime.restart('/Sup/A')
  run.stop()
  await over
})

describe('called from within the worker, which cannot wait for its own end,', () => {
  test.each<['stop' | 'restart' | 'remove', string, string[], string | undefined]>([
    ['stop', '/Sup/A', ['told'], 'stopped'],
    ['restart', '/Sup/A', ['told', 'runs'], 'ready'],
    ['remove', '/Sup/A', ['told'], undefined],
    ['restart', '/Sup', ['told', 'runs'], 'ready'],
  ])('%s of %s resolves when it was told to stop', async (call, path, expected, state) => {
    const run = new ObservedRun()
    const steps: string[] = []
    let starts = 0
    const worker = async (signal: AbortSignal): Promise<void> => {
      if (++starts === 1) await run.runtime[call](path)
      steps.push(signal.aborted ? 'told' : 'runs')
      await untilAbort(signal)
    }
    const over = run.start(named('Sup', supervise([named('A', worker)])), named('Other', untilAbort))
    await run.clock.advance('1m')
    expect(steps).toEqual(expected)
    expect(run.runtime.get(path)?.state).toBe(state)
    run.stop()
    await over
  })

  test('a call that is refused still rejects', async () => {
    const run = new ObservedRun()
    const refused: unknown[] = []
    const worker = async (signal: AbortSignal): Promise<void> => {
      refused.push(await failureOf(run.runtime.stop('')), await failureOf(run.runtime.restart('/Nobody')))
      await untilAbort(signal)
    }
    const over = run.start(named('A', worker))
    await run.clock.advance(1)
    expect(refused).toEqual([expect.any(InvalidArgumentError), expect.any(NoSuchWorkerError)])
    run.stop()
    await over
  })
})
