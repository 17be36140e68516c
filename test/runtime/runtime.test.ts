import {
  DuplicateNameError,
  InvalidArgumentError,
  NoSuchWorkerError,
  NotPausableError,
  RUNTIME,
  type Runnable,
  Runtime,
  Worker,
  backoff,
  currentRuntime,
  repeat,
  runAllWorkers,
  supervise,
  wait,
  workerReady,
} from 'runutil'
import { describe, expect, test } from 'vitest'
import { failureOf, follow, untilAbort } from '../support/outcome.ts'
import { ObservedRun, named } from '../support/runtime/observed-run.ts'

async function failing(signal: AbortSignal): Promise<void> {
  await wait('1s', signal)
  if (!signal.aborted) throw new Error('down')
}

describe('the tree', () => {
  test('is available before, during and after the run', async () => {
    const run = new ObservedRun()
    expect(run.runtime.tree()).toMatchObject({ path: '', state: 'waiting', children: [] })
    const over = run.start(
      named('A'),
      untilAbort,
      supervise([
        named(
          'B',
          repeat('1h', () => {}),
        ),
      ]),
    )
    await run.clock.advance(10)
    expect(run.states()).toEqual({
      '': 'ready',
      '/A': 'ready',
      '/#1': 'ready',
      '/#2': 'ready',
      '/#2/B': 'ready',
    })
    expect(run.runtime.get('/#2')).toMatchObject({ kind: 'supervisor', strategy: 'one_for_one' })
    expect(run.runtime.get('/#2/B')).toMatchObject({ kind: 'repeat', runs: 0, failures: 0 })
    run.stop()
    await over
    expect(new Set(Object.values(run.states()))).toEqual(new Set(['stopped']))
  })

  test('counts failures and restarts, and shows the last error and the health of its children', async () => {
    const run = new ObservedRun()
    const over = run.start(named('Sup', supervise([named('B', failing)], { retry: backoff('1s') })))
    await run.clock.advance(3_500)
    expect(run.runtime.get('/Sup/B')).toMatchObject({
      state: 'restarting',
      health: 'firing',
      runs: 2,
      failures: 2,
      restarts: 2,
      lastError: { name: 'Error', message: 'down', at: new Date(Date.UTC(2000, 0) + 3_000) },
    })
    expect(run.runtime.tree()).toMatchObject({ health: 'firing', state: 'ready' })
    run.stop()
    await over
  })

  test('has a node for each class, and for a group within a worker only while it runs', async () => {
    const run = new ObservedRun()
    @Worker({ group: 'runtime.test' })
    class Classy {
      workers = (): Runnable[] => [
        named('Inner', async (signal) => {
          await runAllWorkers([named('Deep', (abort) => wait('1s', abort), { restart: 'transient' })], signal)
          await untilAbort(signal)
        }),
        untilAbort,
      ]
    }
    void Classy
    const over = run.startGroup('runtime.test')
    await run.clock.advance(10)
    expect(Object.keys(run.states())).toEqual([
      '',
      '/Classy',
      '/Classy/Inner',
      '/Classy/Inner/Deep',
      '/Classy/#1',
    ])
    expect(run.runtime.get('/Classy')).toMatchObject({ kind: 'class', state: 'ready' })
    await run.clock.advance('2s')
    expect(run.runtime.get('/Classy/Inner/Deep')).toBeUndefined()
    run.stop()
    await over
  })
})

describe('an operator', () => {
  test('stops a worker until it is started, despite failures of others, and starts a worker that is done', async () => {
    const run = new ObservedRun()
    const sup = supervise([named('A'), named('B', failing)], { strategy: 'one_for_all', retry: backoff(0) })
    const over = run.start(
      named('Sup', sup),
      named('Once', () => {}, { restart: 'transient' }),
    )
    await run.clock.advance(10)
    await run.runtime.stop('/Sup/A')
    await run.clock.advance('1m')
    expect(run.states()['/Sup/A']).toBe('stopped')
    await run.runtime.start('/Sup/A')
    expect(run.states()['/Sup/A']).toBe('ready')
    expect(run.states()['/Once']).toBe('done')
    await run.runtime.start('/Once')
    await run.clock.advance(1)
    expect(run.runtime.get('/Once')).toMatchObject({ state: 'done', runs: 2 })
    run.stop()
    await over
  })

  test('ends a backoff with a stop, and restarts workers without counting towards an intensity', async () => {
    const run = new ObservedRun()
    const rules = { retry: backoff('1m'), intensity: { restarts: 1, within: '1h' } }
    const over = run.start(named('A', failing, rules), named('B', untilAbort, rules))
    await run.clock.advance('2s')
    await run.runtime.stop('/A')
    for (let times = 0; times < 3; times++) await run.runtime.restart('/B')
    await run.clock.advance('5m')
    expect(run.runtime.get('/A')).toMatchObject({ state: 'stopped', runs: 1 })
    expect(run.runtime.get('/B')).toMatchObject({ state: 'ready', runs: 4, restarts: 0 })
    run.stop()
    await over
  })

  test('adds workers at the next position with a unique name, and removes them', async () => {
    const run = new ObservedRun()
    const over = run.start(named('A'), supervise([named('B')]))
    await run.clock.advance(10)
    expect(await run.runtime.add('', untilAbort)).toBe('/#2')
    expect(await run.runtime.add('/#1', named('C', untilAbort, { after: 'B' }))).toBe('/#1/C')
    await expect(run.runtime.add('/#1', named('B'))).rejects.toThrow(DuplicateNameError)
    await expect(run.runtime.add('/#1', named('D', untilAbort, { after: 'Bb' }))).rejects.toThrow(
      /did you mean 'B'/,
    )
    await expect(run.runtime.add('/A', named('E'))).rejects.toThrow(InvalidArgumentError)
    expect(run.states()).toMatchObject({ '/#2': 'ready', '/#1/C': 'ready' })
    await run.runtime.remove('/#1/C')
    expect(run.runtime.get('/#1/C')).toBeUndefined()
    run.stop()
    await over
  })

  test('gets an error before the run and for a wrong path, and the reason after the abort', async () => {
    const run = new ObservedRun()
    await expect(run.runtime.stop('/A')).rejects.toThrow(NoSuchWorkerError)
    const over = run.start(named('Api'))
    await run.clock.advance(10)
    await expect(run.runtime.stop('/Apj')).rejects.toThrow(
      /no worker has the path '\/Apj'; did you mean '\/Api'\?/,
    )
    await expect(run.runtime.pause('/Api')).rejects.toThrow(NotPausableError)
    await expect(run.runtime.trigger('/Api')).rejects.toThrow(NotPausableError)
    const reason = new Error('bye')
    run.stop(reason)
    await expect(run.runtime.restart('/Api')).rejects.toBe(reason)
    await over
    await expect(run.runtime.restart('/Api')).rejects.toBe(reason)
  })

  test('can use one handle for consecutive runs, but not for concurrent ones', async () => {
    const run = new ObservedRun()
    const over = run.start(named('A'))
    await expect(run.start(named('B'))).rejects.toThrow(InvalidArgumentError)
    run.stop()
    await over
    await runAllWorkers([named('C', () => {}, { restart: 'transient' })], undefined, { runtime: run.runtime })
    expect(run.runtime.tree().children.map(({ path }) => path)).toEqual(['/C'])
  })
})

describe('the runs of a repeat', () => {
  test('can be paused and triggered, and stay on their schedule', async () => {
    const run = new ObservedRun()
    const starts: number[] = []
    const job = async (): Promise<void> => {
      starts.push(run.clock.elapsed())
      await wait(200)
    }
    const over = run.start(named('A', repeat('1s', job)))
    await run.clock.advance(1_100)
    await run.runtime.pause('/A')
    await run.clock.advance(2_400)
    expect([starts, run.states()['/A']]).toEqual([[1_000], 'paused'])
    const triggered = follow(run.runtime.trigger('/A'))
    await run.clock.advance(100)
    expect(triggered.settled).toBe('no')
    await run.clock.advance(1_400)
    expect([triggered.settled, run.states()['/A']]).toEqual(['resolved', 'paused'])
    await run.runtime.resume('/A')
    await run.clock.advance(1_500)
    expect(starts).toEqual([1_000, 3_500, 6_000])
    expect(run.runtime.get('/A')).toMatchObject({
      state: 'ready',
      runs: 3,
      lastRun: { ok: true, durationMs: 200 },
    })
    run.stop()
    await over
    expect(run.clock.pending).toBe(0)
  })

  test('start right after the current one if triggered, and reject the trigger if they fail', async () => {
    const run = new ObservedRun()
    let runs = 0
    const job = async (): Promise<void> => {
      await wait(200)
      if (++runs === 2) throw new Error('second')
    }
    const over = failureOf(run.start(named('A', repeat('1s', job))))
    await run.clock.advance(1_050)
    const triggered = failureOf(run.runtime.trigger('/A'))
    await run.clock.advance(400)
    expect((await triggered).message).toBe('second')
    await over
    expect(run.events.filter(({ type }) => type === 'ran')).toHaveLength(2)
  })
})

describe('ready()', () => {
  test('called before the run, resolves when all workers are ready, or a given one', async () => {
    const run = new ObservedRun()
    const all = follow(run.runtime.ready())
    const one = follow(run.runtime.ready('/Db'))
    const db = async (signal: AbortSignal): Promise<void> => {
      await wait('1s', signal)
      workerReady()
      await untilAbort(signal)
    }
    const over = run.start(named('Db', db), named('Api', db, { after: 'Db', startTimeout: '1m' }))
    await run.clock.advance(1_500)
    expect([one.settled, all.settled]).toEqual(['resolved', 'no'])
    await run.clock.advance(1_000)
    expect(all.settled).toBe('resolved')
    run.stop()
    await over
  })

  test('of a temporary worker that has failed resolves, as for those after it', async () => {
    const run = new ObservedRun()
    const ready = follow(run.runtime.ready('/Warm'))
    const over = run.start(named('Warm', failing, { restart: 'temporary' }), named('Api', untilAbort))
    await run.clock.advance('2s')
    expect(run.states()['/Warm']).toBe('failed')
    expect(ready.settled).toBe('resolved')
    run.stop()
    await over
  })

  test('rejects with the error of the run', async () => {
    const run = new ObservedRun()
    const ready = failureOf(run.runtime.ready('/Db'))
    const over = failureOf(run.start(named('Api', failing)))
    await run.clock.advance('2s')
    expect(await ready).toBe(await over)
  })
})

describe('the events', () => {
  test('report each change of state in order', async () => {
    const run = new ObservedRun()
    const over = run.start(named('A', failing, { retry: backoff('1s') }))
    await run.clock.advance('2s')
    run.stop()
    await over
    expect(run.typesOf('/A')).toEqual([
      'starting',
      'ready',
      'failed',
      'restarting',
      'starting',
      'ready',
      'stopping',
      'stopped',
    ])
    expect(run.events.find(({ type }) => type === 'restarting')).toMatchObject({
      attempt: 1,
      delayMs: 1_000,
      with: [],
    })
  })

  test('name the workers that are restarted together, and the one that gave up', async () => {
    const run = new ObservedRun()
    const rules = {
      strategy: 'one_for_all',
      retry: backoff(10),
      intensity: { restarts: 1, within: '1h' },
    } as const
    const over = failureOf(run.start(named('Sup', supervise([named('A', failing), named('B')], rules))))
    await run.clock.advance('10s')
    await over
    expect(run.events.find(({ type }) => type === 'restarting')).toMatchObject({
      path: '/Sup/A',
      with: ['/Sup/B'],
    })
    expect(run.events.find(({ type }) => type === 'gaveUp')).toMatchObject({ path: '/Sup' })
  })
})

test('the handle is available to code within a run, and can be injected', async () => {
  const run = new ObservedRun()
  const found: unknown[] = []
  @Worker({ group: 'runtime.inject', inject: [RUNTIME] })
  class Injected {
    readonly runtime: Runtime
    constructor(runtime: Runtime) {
      this.runtime = runtime
    }
    workers = (): Runnable[] => [
      named('A', (signal) => (found.push(this.runtime, currentRuntime()), untilAbort(signal))),
    ]
  }
  void Injected
  const over = run.startGroup('runtime.inject')
  await run.clock.advance(10)
  run.stop()
  await over
  expect(found).toEqual([run.runtime, run.runtime])
  expect(currentRuntime()).toBeUndefined()
})
