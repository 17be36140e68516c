import { createServer } from 'node:http'
import { Runtime, type Worker, backoff, currentRun, repeat, runAllWorkers, wait } from 'runutil'
import { cron } from 'runutil/cron'
import { httpServer } from 'runutil/http'
import { VirtualClock } from 'runutil/testing'
import { describe, expect, test } from 'vitest'
import { ObservedRun, named } from '../support/runtime/observed-run.ts'

const NOON = Date.UTC(2026, 0, 1, 12)

/** A run of /Job, with the times in s of its runs and the facts of its events. */
class Watched extends ObservedRun {
  readonly facts: unknown[] = []
  readonly runs: number[] = []

  constructor(make: (job: () => Promise<void>) => Worker, job: () => Promise<void> | void = () => {}) {
    super({ clock: new VirtualClock({ now: NOON }) })
    this.runtime.on((event) => {
      if (event.path !== '/Job' || !['ran', 'missed', 'paused', 'resumed'].includes(event.type)) return
      const facts: Partial<typeof event> = { ...event }
      delete facts.at
      delete facts.path
      this.facts.push(facts)
    })
    const worker = make(async () => {
      this.runs.push((this.clock.now() - NOON) / 1_000)
      await job()
    })
    void this.start(named('Job', worker, { retry: backoff('1s') }))
  }

  get node() {
    return this.runtime.get('/Job')!
  }
}

describe.each<[string, (job: () => Promise<void>) => Worker]>([
  ['repeat', (job) => repeat('1m', job)],
  ['cron', (job) => cron('* * * * *', job)],
])('the runs of %s', (kind, make) => {
  test('are shown in the tree', async () => {
    const watched: Watched = new Watched(make, () => wait(watched.runs.length === 1 ? '200s' : '5s'))
    await watched.clock.advance('30s')
    expect(watched.node).toMatchObject({ kind, state: 'ready', runs: 0, missed: 0 })
    expect(watched.node.nextRunAt).toEqual(new Date(NOON + 60_000))
    await watched.clock.advance('40s')
    expect(watched.node).toMatchObject({ running: { startedAt: new Date(NOON + 60_000) } })
    await watched.clock.advance('220s')
    // Of the starts at 120 s, 180 s and 240 s, one runs late.
    expect(watched.node).toMatchObject({ runs: 2, missed: 2, lastRun: { ok: true, durationMs: 5_000 } })
    expect(watched.node.running).toBeUndefined()
    expect(watched.node.latencyMs).toBeDefined()
    expect(watched.facts).toEqual([
      { type: 'ran', durationMs: 200_000 },
      { type: 'missed', count: 2 },
      { type: 'ran', durationMs: 5_000 },
    ])
    await watched.end('1h')
  })

  test('can be paused, and starts during the pause do not count as missed', async () => {
    const watched = new Watched(make)
    await watched.clock.advance('90s')
    await watched.runtime.pause('/Job')
    await watched.clock.advance('5m')
    expect(watched.node).toMatchObject({ state: 'paused', runs: 1, missed: 0 })
    expect(watched.node.nextRunAt).toBeUndefined()
    await watched.runtime.resume('/Job')
    await watched.clock.advance('31s')
    expect([watched.runs[0], watched.runs.at(-1)]).toEqual([60, 420])
    expect(watched.node.state).toBe('ready')
    await watched.end('1h')
  })

  test('can be triggered immediately or after the current run, and stay on their schedule', async () => {
    const seen: number[] = []
    const watched = new Watched(make, async () => {
      seen.push((currentRun()!.scheduledFor.getTime() - NOON) / 1_000)
      await wait('10s')
    })
    await watched.clock.advance('20s')
    const first = watched.runtime.trigger('/Job')
    await watched.clock.advance('10s')
    await first
    await watched.clock.advance('35s')
    const second = watched.runtime.trigger('/Job')
    await watched.clock.advance('15s')
    await second
    await watched.clock.advance('41s')
    expect(watched.runs).toEqual([20, 60, 70, 120])
    expect(seen).toEqual([20, 60, 70, 120])
    await watched.end('1h')
  })

  test('can be triggered once during a pause, which continues', async () => {
    const watched = new Watched(make)
    await watched.runtime.pause('/Job')
    const triggered = watched.runtime.trigger('/Job')
    await watched.clock.advance('5m')
    await triggered
    expect(watched.runs).toHaveLength(1)
    expect(watched.node.state).toBe('paused')
    await watched.end('1h')
  })

  test('reject a trigger if the run before it fails', async () => {
    const watched = new Watched(make, async () => {
      await wait('10s')
      throw new Error('no report')
    })
    await watched.clock.advance('65s')
    const failed = expect(watched.runtime.trigger('/Job')).rejects.toThrow('no report')
    await watched.clock.advance('6s')
    await failed
    await watched.end('1h')
  })

  test('reject their trigger if they fail, and count as failures of the worker', async () => {
    const watched = new Watched(make, () => {
      throw new Error('no report')
    })
    const triggered = watched.runtime.trigger('/Job')
    const failed = expect(triggered).rejects.toThrow('no report')
    await watched.clock.advance('100ms')
    await failed
    expect(watched.node).toMatchObject({ runs: 1, failures: 1, lastRun: { ok: false } })
    await watched.end('1h')
  })
})

test('a server is ready when it listens', async () => {
  const runtime = new Runtime()
  const stop = new AbortController()
  const server = createServer()
  const ready = runtime.ready('/Http')
  const worker = httpServer(server, { port: 0, host: '127.0.0.1', keepAliveGrace: 0 })
  const after = { name: 'After', after: 'Http', worker: (): void => expect(server.listening).toBe(true) }
  const run = runAllWorkers(
    [
      { name: 'Http', worker },
      { ...after, restart: 'transient' },
    ],
    stop.signal,
    { runtime },
  )
  await ready
  expect(runtime.get('/Http')).toMatchObject({ kind: 'http', state: 'ready' })
  stop.abort()
  await run
})
