import { readFileSync } from 'node:fs'
import { type Runnable, InvalidDurationError, repeat } from 'runutil'
import { VirtualClock } from 'runutil/testing'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { VERSION } from '../../packages/runutil/src/core/version.ts'
import { MemoryReplicaStore } from '../../packages/runutil/src/ops/replicas/memory-replica-store.ts'
import { replica } from '../../packages/runutil/src/ops/replicas/replica.ts'
import { type Controlled, ada, controlledRun } from '../support/ops/controlled-run.ts'
import { FlakyReplicaStore } from '../support/ops/flaky-replica-store.ts'
import { like } from '../support/ops/like.ts'

let clock: VirtualClock
let flaky: FlakyReplicaStore
let runs: Controlled[]
let ticks: number
/** Another process, which commands it. */
let watcher: Controlled

beforeEach(async () => {
  clock = new VirtualClock()
  flaky = new FlakyReplicaStore(new MemoryReplicaStore({ clock }))
  runs = []
  ticks = 0
  watcher = await start([], { replicas: { id: 'watcher', store: flaky.store } })
})
afterEach(async () => {
  for (const run of runs) await run.end()
  expect(clock.pending).toBe(0)
})

async function start(workers: Runnable[], parts = {}): Promise<Controlled> {
  const run = await controlledRun(workers, parts, clock)
  runs.push(run)
  return run
}

const process1 = (options = {}): Promise<Controlled> =>
  start([
    { name: 'Tick', worker: repeat('1h', () => void ticks++) },
    { name: 'Replica', worker: replica(flaky.store, { name: 'one', ...options }) },
  ])

const onlyId = async (): Promise<string> => (await flaky.store.list())[0]!.id
const countOf = (method: string): number => flaky.calls.filter((call) => call === method).length
/** The answer to a command of the watcher to the only process. */
const command = async (path: string, verb: 'trigger' | 'pause' | 'stop' | 'restart'): Promise<unknown> => {
  const id = await onlyId()
  return watcher.call((control) => control.worker(path, verb, ada, id))
}

describe('a process with a replica()', () => {
  test('is seen by others with what goes on in it, and gone when it stops', async () => {
    const run = await process1()
    expect(await flaky.store.list()).toMatchObject([
      { name: 'one', pid: process.pid, version: VERSION, startedAt: new Date(clock.now()), lost: false },
    ])
    const id = await onlyId()
    expect(await flaky.store.state(id)).toMatchObject({
      state: { replica: id, workers: { '/Tick': { kind: 'repeat', state: 'ready' }, '/Replica': {} } },
    })
    expect(run.runtime.get('/Replica')).toMatchObject({ kind: 'replica', health: 'ok' })
    await run.runtime.pause('/Tick')
    await clock.advance('5s')
    expect(await flaky.store.state(id)).toMatchObject({
      state: { workers: { '/Tick': { state: 'paused' } } },
    })
    await run.end()
    expect(await flaky.store.list()).toEqual([])
  })

  test('asks the store once in 5 s, and nothing else while nobody commands it', async () => {
    await process1()
    flaky.calls.length = 0
    await clock.advance('60s')
    expect(flaky.calls).toEqual(Array(12).fill('beat'))
  })

  test('may do so less often, but not so seldom that it would be taken for lost', async () => {
    await process1({ every: '10s' })
    flaky.calls.length = 0
    await clock.advance('60s')
    expect(countOf('beat')).toBe(6)
    expect(() => replica(flaky.store, { every: '11s' })).toThrow(InvalidDurationError)
    expect(() => replica({} as never)).toThrow(/expected a ReplicaStore/)
    expect(() => replica(flaky.store, { name: ' ' })).toThrow(/replica: name/)
  })

  test('tells the version of the package', () => {
    const file = new URL('../../packages/runutil/package.json', import.meta.url)
    expect(VERSION).toBe((JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version)
  })
})

describe('a command', () => {
  test('is done by the process it is for, at once, and answered with what came of it', async () => {
    const run = await process1()
    const asked = command('/Tick', 'trigger')
    await clock.advance('1s')
    expect(await asked).toEqual({ status: 200, body: { path: '/Tick', state: 'ready', run: 'done' } })
    expect(ticks).toBe(1)
    expect(run.lines.filter(({ level }) => level === 30)).toMatchObject([
      { by: 'ada', what: 'trigger', on: 'worker /Tick', status: 200, worker: '/Replica' },
    ])
  })

  test('fails for its sender as it does there', async () => {
    await process1()
    const asked = command('/Replica', 'pause')
    const unknown = watcher.call((control) => control.worker('/Tick', 'stop', ada, 'nobody'))
    await clock.advance('1s')
    expect(await asked).toMatchObject({
      status: 409,
      code: 'not-now',
      message: like('cannot pause'),
    })
    expect(await unknown).toMatchObject({ status: 404, message: like(`'nobody'`) })
  })

  test('may restart or stop the very worker that does it', async () => {
    const run = await process1()
    const restarted = command('/Replica', 'restart')
    await clock.advance('10s')
    expect(await restarted).toMatchObject({ status: 200 })
    expect(run.runtime.get('/Replica')).toMatchObject({ state: 'ready' })
    const stopped = command('/Replica', 'stop')
    await clock.advance('10s')
    expect(await stopped).toMatchObject({ status: 200, body: { state: 'stopped' } })
    expect(await flaky.store.list()).toEqual([])
  })

  test('is done once, however often and from wherever it comes', async () => {
    await process1()
    const id = await onlyId()
    const trigger = { of: 'worker', path: '/Tick', verb: 'trigger' }
    // Each answer that would give it out is lost, but for the third; and notices and heartbeats come together.
    flaky.lostBeats = 2
    await flaky.store.send({ id: 'c1', replica: id, command: trigger, by: 'ada' })
    await clock.advance('4s')
    expect(ticks).toBe(0)
    await flaky.store.send({ id: 'c1', replica: id, command: trigger, by: 'ada' })
    await Promise.all(
      Array.from({ length: 5 }, () =>
        flaky.store.send({ id: 'c1', replica: id, command: trigger, by: 'ada' }),
      ),
    )
    flaky.lostBeats = 0
    await clock.advance('60s')
    expect([ticks, await flaky.store.outcome('c1')]).toMatchObject([1, { status: 200 }])
  })

  test('that was begun is not done again while its outcome cannot be told', async () => {
    await process1()
    const id = await onlyId()
    flaky.failing.add('settle')
    const trigger = { of: 'worker', path: '/Tick', verb: 'trigger' }
    flaky.calls.length = 0
    await flaky.store.send({ id: 'c1', replica: id, command: trigger, by: 'ada' })
    // The store gives it out again with each of these beats.
    await clock.advance('20s')
    expect([countOf('beat'), ticks, await flaky.store.outcome('c1')]).toEqual([5, 1, 'open'])
    flaky.failing.clear()
    await clock.advance('40s')
    expect([ticks, await flaky.store.outcome('c1')]).toMatchObject([1, { status: 200 }])
  })

  test('that nobody takes within 30 s is void, and answered after 10 s with its id', async () => {
    const run = await process1()
    const id = await onlyId()
    // The process hangs: it does not beat.
    await run.runtime.stop('/Replica')
    await flaky.store.beat({ ...(await factsOf(id)), id })
    const asked = watcher.call((control) => control.worker('/Tick', 'trigger', ada, id))
    await clock.advance('10s')
    const answer = await asked
    expect(answer).toEqual({ status: 202, body: { command: expect.any(String) as string } })
    const { command: sent } = (answer as { body: { command: string } }).body
    expect(await flaky.store.outcome(sent)).toBe('open')
    await clock.advance('20s')
    expect(await flaky.store.outcome(sent)).toBe('void')
    await run.runtime.start('/Replica')
    await clock.advance('60s')
    expect(ticks).toBe(0)
  })

  test('to a process that leaves first is refused as void', async () => {
    const run = await process1()
    const id = await onlyId()
    await run.runtime.stop('/Replica')
    await flaky.store.beat({ ...(await factsOf(id)), id })
    const asked = watcher.call((control) => control.worker('/Tick', 'trigger', ada, id))
    await flaky.store.leave(id)
    await clock.advance('1s')
    expect(await asked).toMatchObject({ status: 409, code: 'void' })
  })

  test('that another version of runutil does not know is refused there', async () => {
    await process1()
    const id = await onlyId()
    const unknown = [{ of: 'worker', path: '/Tick', verb: 'explode' }, { of: 'planet' }, 'stop', null]
    for (const [at, command] of unknown.entries()) {
      await flaky.store.send({ id: `c${at}`, replica: id, command, by: 'ada' })
      await clock.advance('1s')
      expect(await flaky.store.outcome(`c${at}`)).toMatchObject({
        status: 400,
        body: { code: 'bad-request' },
      })
    }
  })
})

describe('an outage of the store', () => {
  test('stops nothing: the worker fires until the store is back, and it is logged once', async () => {
    const run = await process1()
    flaky.outage = true
    await clock.advance('60s')
    expect(run.runtime.get('/Replica')).toMatchObject({ state: 'ready', health: 'firing', failures: 0 })
    flaky.outage = false
    expect(await flaky.store.list()).toMatchObject([{ lost: true }])
    await clock.advance('5s')
    expect(run.runtime.get('/Replica')).toMatchObject({ state: 'ready', health: 'ok' })
    expect(await flaky.store.list()).toMatchObject([{ lost: false }])
    expect(run.lines.map(({ msg }) => msg)).toEqual([
      'cannot tell other processes that this one lives',
      'recovered: can tell other processes that this one lives again',
    ])
  })

  test('from the start on delays nothing but that others see the process', async () => {
    flaky.outage = true
    const run = await process1()
    expect(run.runtime.get('/Replica')).toMatchObject({ state: 'ready', health: 'firing' })
    flaky.outage = false
    await clock.advance('5s')
    expect(await flaky.store.list()).toHaveLength(1)
    // It hears of commands all the same.
    const asked = command('/Tick', 'trigger')
    await clock.advance('1s')
    expect(await asked).toMatchObject({ status: 200 })
  })

  test('does not keep the process from stopping', async () => {
    const run = await process1()
    flaky.outage = true
    await run.end()
    expect(run.lines.at(-1)).toMatchObject({ msg: 'cannot take this process off the list of replicas' })
    flaky.outage = false
  })

  test('is a 503 for whoever sends a command, and none once that is sent', async () => {
    await process1()
    const id = await onlyId()
    flaky.outage = true
    const refused = watcher.call((control) => control.worker('/Tick', 'trigger', ada, id))
    await clock.advance(0)
    expect(await refused).toMatchObject({ status: 503, code: 'database' })
    flaky.outage = false
    const asked = watcher.call((control) => control.worker('/Tick', 'trigger', ada, id))
    flaky.outage = true
    await clock.advance('3s')
    flaky.outage = false
    await clock.advance('7s')
    expect(await asked).toMatchObject({ status: 200 })
  })
})

async function factsOf(id: string): Promise<Parameters<typeof flaky.store.beat>[0]> {
  const startedAt = new Date(clock.now())
  return { id, name: 'one', host: 'ada', pid: 1, version: VERSION, startedAt, state: {} }
}
