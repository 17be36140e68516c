import { ExponentialBackoff, repeat, systemClock, wait } from 'runutil'
import { ProcessPool } from 'runutil/pool'
import { Probe } from 'runutil/testing'
import { describe, expect, test } from 'vitest'
import type { WorkerVerb } from '../../packages/runutil/src/ops/control/control.ts'
import { type Controlled, ada, controlledRun } from '../support/ops/controlled-run.ts'
import { node } from '../support/pool/pools.ts'
import { like } from '../support/ops/like.ts'

const sleeper = { name: 'Sleeper', worker: (signal: AbortSignal) => wait('1d', signal) }
const tick = (job: () => Promise<void> | void): { name: string; worker: ReturnType<typeof repeat> } => ({
  name: 'Tick',
  worker: repeat('1h', job),
})

const stateOf = ({ runtime }: Controlled, path: string): string | undefined => runtime.get(path)?.state

describe('control of a worker', () => {
  test('pauses, resumes, stops, starts and restarts it, and says what state it is in', async () => {
    const run = await controlledRun([tick(() => {}), sleeper])
    const all: [WorkerVerb, string, string][] = [
      ['pause', '/Tick', 'paused'],
      ['resume', '/Tick', 'ready'],
      ['stop', '/Sleeper', 'stopped'],
      ['start', 'Sleeper', 'ready'],
      ['restart', '/Sleeper', 'ready'],
    ]
    for (const [verb, path, state] of all) {
      const answer = await run.call((control) => control.worker(path, verb, ada))
      expect(answer, verb).toMatchObject({ status: 200, body: { path: `/${path.replace('/', '')}` } })
      await run.clock.advance(0)
      expect(stateOf(run, `/${path.replace('/', '')}`), verb).toBe(state)
    }
    await run.end()
  })

  const refused: [
    what: string,
    verb: WorkerVerb,
    path: string,
    status: number,
    code: string,
    says: RegExp,
  ][] = [
    ['a path that is not there', 'pause', '/Tikc', 404, 'not-found', /did you mean '\/Tick'/],
    ['a worker without runs', 'pause', '/Sleeper', 409, 'not-now', /cannot pause '\/Sleeper'/],
    ['a worker without runs', 'trigger', '/Sleeper', 409, 'not-now', /cannot trigger '\/Sleeper'/],
    [
      'the root, which no group has',
      'stop',
      '',
      400,
      'bad-request',
      /expected the path of a worker of a group/,
    ],
  ]
  test.each(refused)('refuses %s: %s %s', async (_, verb, path, status, code, says) => {
    const run = await controlledRun([tick(() => {}), sleeper])
    const answer = await run.call((control) => control.worker(path, verb, ada))
    expect(answer).toEqual({ status, code, message: like(says) })
    await run.end()
  })

  test('has nothing to say before the run has begun, nor after it has ended', async () => {
    const early = await controlledRun([sleeper], { runtime: () => undefined })
    expect(await early.call((control) => control.worker('/Sleeper', 'stop', ada))).toMatchObject({
      status: 409,
    })
    await early.end()
    const late = await controlledRun([sleeper])
    await late.end()
    expect(await late.call((control) => control.worker('/Sleeper', 'stop', ada))).toMatchObject({
      status: 409,
    })
  })

  test('waits for the run that it triggers', async () => {
    const finish = new Probe<() => void>('run')
    const run = await controlledRun([tick(() => new Promise<void>((resolve) => finish.hit(resolve)))])
    let answer: unknown
    const asked = run
      .call((control) => control.worker('/Tick', 'trigger', ada))
      .then((came) => (answer = came))
    await run.clock.advance('9s')
    expect([finish.count, answer]).toEqual([1, undefined])
    finish.values[0]!()
    await asked
    expect(answer).toEqual({ status: 200, body: { path: '/Tick', state: 'ready', run: 'done' } })
    await run.end()
  })

  test('answers after 10 s that the run goes on, which is then left alone', async () => {
    const finish = new Probe<() => void>('run')
    const run = await controlledRun([tick(() => new Promise<void>((resolve) => finish.hit(resolve)))])
    const asked = run.call((control) => control.worker('/Tick', 'trigger', ada))
    await run.clock.advance('10s')
    expect(await asked).toEqual({ status: 202, body: { path: '/Tick', verb: 'trigger', goesOn: true } })
    finish.values[0]!()
    await run.clock.advance(0)
    expect(run.runtime.get('/Tick')).toMatchObject({ runs: 1, failures: 0 })
    expect(run.clock.pending).toBe(1)
    await run.end()
  })

  test('tells how a triggered run failed, which is no failure of the call', async () => {
    const fails = (): void => {
      throw new Error('no ink')
    }
    const run = await controlledRun([
      { ...tick(fails), retry: new ExponentialBackoff({ initial: 1_000, max: 1_000 }) },
    ])
    const answer = await run.call((control) => control.worker('/Tick', 'trigger', ada))
    expect(answer).toMatchObject({ status: 200, body: { path: '/Tick', run: 'failed', error: 'no ink' } })
    await run.end()
  })

  test('is logged with who asked for what, and what came of it', async () => {
    const run = await controlledRun([tick(() => {}), sleeper])
    await run.call((control) => control.worker('/Tick', 'pause', ada))
    await run.call((control) => control.worker('/Nobody', 'stop', ada, undefined))
    await run.call((control) => control.worker('/Tick', 'stop', ada, 'r-17'))
    expect(run.lines.filter(({ level }) => level === 30)).toMatchObject([
      { by: 'ada', what: 'pause', on: 'worker /Tick', status: 200, msg: 'ada: pause worker /Tick: done' },
      {
        by: 'ada',
        what: 'stop',
        on: 'worker /Nobody',
        status: 404,
        result: like('/Nobody'),
      },
      {
        what: 'stop',
        on: 'worker /Tick of replica r-17',
        status: 404,
        result: like('r-17'),
      },
    ])
    await run.end()
  })
})

describe('control of a pool', () => {
  test('replaces its processes', async () => {
    const pool = new ProcessPool({ command: node, numWorkers: 1 })
    const run = await controlledRun([{ name: 'Pool', worker: pool }, sleeper], {}, systemClock)
    await run.runtime.ready('/Pool')
    const [before] = pool.workers.map(({ pid }) => pid)
    expect(await run.call((control) => control.pool('Pool', 'reset', ada))).toEqual({
      status: 200,
      body: { path: '/Pool', state: 'ready' },
    })
    const [after] = pool.workers.map(({ pid }) => pid)
    expect(after).not.toBe(before)
    for (const [path, status, says] of [
      ['/Sleeper', 409, /a worker: only a ProcessPool/],
      ['/Pol', 404, /no worker has the path/],
    ] as const) {
      const answer = await run.call((control) => control.pool(path, 'reset', ada))
      expect(answer).toMatchObject({ status, message: like(says) })
    }
    await run.runtime.stop('/Pool')
    expect(await run.call((control) => control.pool('/Pool', 'reset', ada))).toMatchObject({ status: 409 })
    await run.end()
  })
})
