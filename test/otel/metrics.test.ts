import { backoff, repeat, wait } from 'runutil'
import { MemoryLeaseStore } from 'runutil/leases'
import type { InstrumentOptions } from 'runutil/otel'
import { RetryableError } from 'runutil/queue'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { recordsOf } from '../../packages/runutil/src/runtime/runtime.ts'
import { type OpenTelemetry, openTelemetry } from '../support/otel/open-telemetry.ts'
import { instrumented } from '../support/otel/instrumented.ts'

let telemetry: OpenTelemetry
beforeEach(() => {
  telemetry = openTelemetry()
})
afterEach(() => telemetry.close())

const a = { 'messaging.destination.name': 'a' }

describe('the metrics', () => {
  it('have zeros of the kinds that a process runs, before anything has happened', async () => {
    const { stop } = await instrumented()
    const metrics = await telemetry.collect()
    expect(metrics.value('messaging.client.sent.messages', a)).toBe(0)
    expect(metrics.value('messaging.client.consumed.messages', a)).toBe(0)
    for (const state of ['waiting', 'blocked', 'running', 'failed']) {
      expect(metrics.value('runutil.jobs', { ...a, 'runutil.job.state': state })).toBe(0)
    }
    expect(metrics.value('runutil.jobs.oldest_due', a)).toBe(0)
    const jobs = { 'runutil.worker.name': '/Jobs' }
    expect(metrics.value('runutil.worker.state', jobs)).toBe(1)
    expect(metrics.value('runutil.worker.restarts', jobs)).toBe(0)
    expect(metrics.value('runutil.worker.missed', jobs)).toBe(0)
    await stop()
  })

  it('have these names and units', async () => {
    const { queue, clock, stop } = await instrumented({ others: [repeat('1s', () => {})] })
    await queue.enqueue({ kind: 'a' })
    await clock.advance(2_000)
    expect((await telemetry.collect()).names).toEqual([
      'messaging.client.consumed.messages: {message}',
      'messaging.client.operation.duration: s',
      'messaging.client.sent.messages: {message}',
      'messaging.process.duration: s',
      'runutil.job.wait.duration: s',
      'runutil.jobs.oldest_due: s',
      'runutil.jobs: {job}',
      'runutil.run.duration: s',
      'runutil.worker.missed: {start}',
      'runutil.worker.restarts: {restart}',
      'runutil.worker.state: {worker}',
    ])
    await stop()
  })

  it('count jobs as they are sent and claimed, and time what becomes of them', async () => {
    const handler = async ({ payload }: { payload: unknown }): Promise<void> => {
      await wait('2s')
      if (payload === 'error') throw new RangeError('no')
      if (payload === 'retry') throw new RetryableError({ cause: new Error('no'), retryAfter: '1h' })
    }
    const { queue, clock, stop } = await instrumented({ handler, kind: { concurrency: 1 } })
    const payloads = ['ok', 'error', 'retry']
    await queue.enqueue(payloads.map((payload) => ({ kind: 'a', id: payload, payload })))
    await queue.enqueue({ kind: 'a', id: 'ok' }, { onExists: 'skip' })
    await queue.enqueue({ kind: 'a', id: 'ok' }).catch(() => {})
    await clock.advance(60_000)
    const metrics = await telemetry.collect()
    const of = (operation: string, type: string) => ({
      ...a,
      'messaging.system.name': 'runutil',
      'messaging.operation.name': operation,
      'messaging.operation.type': type,
    })
    expect(metrics.pointsOf('messaging.client.sent.messages')).toEqual([
      { attributes: of('enqueue', 'send'), value: 3 },
      { attributes: { ...of('enqueue', 'send'), 'error.type': 'ERR_JOB_EXISTS' }, value: 1 },
    ])
    expect(metrics.pointsOf('messaging.client.consumed.messages')).toEqual([
      { attributes: of('claim', 'receive'), value: 3 },
    ])
    const calls = metrics.pointsOf('messaging.client.operation.duration').map(({ attributes }) => attributes)
    expect(calls).toEqual(
      expect.arrayContaining([of('enqueue', 'send'), of('claim', 'receive'), of('settle', 'settle')]),
    )
    const handled = metrics.pointsOf('messaging.process.duration')
    expect(handled.map(({ attributes }) => attributes)).toEqual([
      of('handle', 'process'),
      { ...of('handle', 'process'), 'error.type': 'RangeError' },
      { ...of('handle', 'process'), 'error.type': expect.any(String) as string },
    ])
    expect(metrics.durations('messaging.process.duration', a)).toEqual({ count: 3, sum: 6 })
    // One after another: they waited 0, 2 and 4 s.
    expect(metrics.durations('runutil.job.wait.duration', a)).toMatchObject({ count: 3, sum: 6 })
    expect(metrics.value('runutil.jobs', { ...a, 'runutil.job.state': 'failed' })).toBe(1)
    expect(metrics.value('runutil.jobs', { ...a, 'runutil.job.state': 'waiting' })).toBe(1)
    await stop()
  })

  it('have for how long a job has been due, and 0 of what is gone', async () => {
    const { queue, clock, stop } = await instrumented()
    const b = { 'messaging.destination.name': 'b' }
    await queue.enqueue({ kind: 'b', id: 'b' })
    await clock.advance(5_000)
    const before = await telemetry.collect()
    expect(before.value('runutil.jobs.oldest_due', b)).toBe(5)
    expect(before.value('runutil.jobs', { ...b, 'runutil.job.state': 'waiting' })).toBe(1)
    await queue.delete('b')
    await clock.advance(5_000)
    const after = await telemetry.collect()
    expect(after.value('runutil.jobs.oldest_due', b)).toBe(0)
    expect(after.value('runutil.jobs', { ...b, 'runutil.job.state': 'waiting' })).toBe(0)
    await stop()
  })

  it('have 1 for the state that a worker is in, and its restarts and missed starts', async () => {
    let runs = 0
    const flaky = repeat('10s', () => {
      if (++runs === 1) throw new Error('no')
    })
    const { clock, stop } = await instrumented({
      others: [{ name: 'Rates', worker: flaky, retry: backoff('1m') }],
    })
    const rates = { 'runutil.worker.name': '/Rates' }
    const states = async (): Promise<Record<string, unknown>> => {
      const points = (await telemetry.collect()).pointsOf('runutil.worker.state')
      const its = points.filter(({ attributes }) => attributes['runutil.worker.name'] === '/Rates')
      return Object.fromEntries(
        its.map(({ attributes, value }) => [String(attributes['runutil.worker.state']), value]),
      )
    }
    expect(await states()).toEqual({ ready: 1 })
    await clock.advance(11_000)
    expect(await states()).toEqual({ ready: 0, restarting: 1 })
    await clock.advance(90_000)
    expect(await states()).toEqual({ ready: 1, restarting: 0 })
    expect((await telemetry.collect()).value('runutil.worker.restarts', rates)).toBe(1)
    await stop()
  })

  it('tell of 200 kinds and put the rest together, of claims too', async () => {
    const { queue, clock, stop } = await instrumented()
    const kinds = Array.from({ length: 250 }, (_, at) => `kind ${at}`)
    await queue.enqueue(kinds.map((kind) => ({ kind })))
    await clock.advance(0)
    const metrics = await telemetry.collect()
    for (const name of ['messaging.client.sent.messages', 'runutil.jobs.oldest_due']) {
      const names = metrics.pointsOf(name).map(({ attributes }) => attributes['messaging.destination.name'])
      expect(new Set(names).size).toBe(201)
      expect(names).toContain('other')
    }
    const other = { 'messaging.destination.name': 'other' }
    const waiting = metrics.value('runutil.jobs', { ...other, 'runutil.job.state': 'waiting' })
    expect(metrics.value('messaging.client.sent.messages', other)).toBe(waiting)
    await stop()
  })

  it('put what makes up a code for each error together', async () => {
    let at = 0
    const handler = (): never => {
      throw Object.assign(new Error('no'), { code: `ERR_${at++}` })
    }
    const { queue, clock, stop } = await instrumented({ handler })
    await queue.enqueue(Array.from({ length: 150 }, () => ({ kind: 'a' })))
    await clock.advance(1_000)
    const metrics = await telemetry.collect()
    expect(metrics.pointsOf('messaging.process.duration')).toHaveLength(101)
    expect(metrics.durations('messaging.process.duration', { 'error.type': '_OTHER' }).count).toBe(50)
    await stop()
  })

  it('have the units that have not ended, and the actions of this process', async () => {
    const coordinate = {
      openUnits: () =>
        Promise.resolve([{ namespace: 'n', workSpec: 's', available: 2, pending: 1, delayed: 0 }]),
    }
    const dispatch = { operation: 'reboot', do: () => {}, workers: { load: { running: 3, queued: 4 } } }
    const { stop } = await instrumented({ coordinate, dispatch } as unknown as InstrumentOptions)
    const metrics = await telemetry.collect()
    const unit = { 'runutil.unit.spec': 'n/s' }
    expect(metrics.value('runutil.units', { ...unit, 'runutil.unit.status': 'available' })).toBe(2)
    expect(metrics.value('runutil.units', { ...unit, 'runutil.unit.status': 'delayed' })).toBe(0)
    const action = { 'runutil.action.operation': 'reboot' }
    expect(metrics.value('runutil.actions', { ...action, 'runutil.action.state': 'running' })).toBe(3)
    expect(metrics.value('runutil.actions', { ...action, 'runutil.action.state': 'queued' })).toBe(4)
    await stop()
  })

  it('have the processes of pools and their memory, and 0 of a state that none is in', async () => {
    const { runtime, stop } = await instrumented()
    const { root } = recordsOf(runtime)!
    const pool = root.newChild('/Pool')
    pool.kind = 'pool'
    root.children!.push(pool)
    let processes = [
      { state: 'ready', rss: 10 },
      { state: 'ready', rss: 20 },
    ]
    pool.describe = () => ({ processes })
    const its = { 'runutil.worker.name': '/Pool' }
    const before = await telemetry.collect()
    expect(before.value('runutil.pool.workers', { ...its, 'runutil.process.state': 'ready' })).toBe(2)
    expect(before.value('runutil.pool.memory', its)).toBe(30)
    processes = [{ state: 'working', rss: 5 }]
    const after = await telemetry.collect()
    expect(after.value('runutil.pool.workers', { ...its, 'runutil.process.state': 'ready' })).toBe(0)
    expect(after.value('runutil.pool.workers', { ...its, 'runutil.process.state': 'working' })).toBe(1)
    expect(after.value('runutil.pool.memory', its)).toBe(5)
    await stop()
  })

  it('leave the backlog to one of the processes that share leases', async () => {
    const leases = new MemoryLeaseStore()
    await leases.acquire('runutil metrics', { leaseMs: 60_000, everyMs: undefined })
    const { stop } = await instrumented({ leases })
    const metrics = await telemetry.collect()
    expect(metrics.pointsOf('runutil.jobs')).toEqual([])
    expect(metrics.pointsOf('runutil.worker.state')).not.toEqual([])
    await stop()
  })

  it('say nothing of a backlog that the store does not tell', async () => {
    const { queue, stop } = await instrumented()
    queue.stats = () => Promise.reject(new Error('away'))
    const metrics = await telemetry.collect()
    expect(metrics.pointsOf('runutil.jobs')).toEqual([])
    expect(metrics.pointsOf('runutil.worker.state')).not.toEqual([])
    await stop()
  })
})
