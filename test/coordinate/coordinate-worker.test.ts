import { getEventListeners } from 'node:events'
import { runAllWorkers } from 'runutil'
import { Probe, VirtualClock } from 'runutil/testing'
import { describe, expect, it } from 'vitest'
import { createCoordinate } from 'runutil/coordinate'
import { CoordinateWorker } from '../../packages/runutil/src/coordinate/coordinate-worker.ts'
import { MemoryCoordinateStore } from '../../packages/runutil/src/coordinate/memory-coordinate-store.ts'
import type { Attempt, Namespace, WorkSpec } from '../../packages/runutil/src/coordinate/model.ts'
import {
  type CoordinateTask,
  type CoordinateWorkerOptions,
} from '../../packages/runutil/src/coordinate/worker-settings.ts'
import { capturedLogger } from '../support/logs.ts'
import type { CoordinateTables } from '../../packages/runutil/src/coordinate/coordinate-store.ts'

interface Fresh {
  readonly clock: VirtualClock
  readonly store: CoordinateTables
  readonly namespace: Namespace
  readonly spec: WorkSpec
  /** Runs a worker until `stop`; resolves when nothing happens without time passing. */
  readonly run: (
    options: Partial<CoordinateWorkerOptions>,
  ) => Promise<{ stop: () => Promise<void>; ended: Promise<void> }>
}

async function fresh(): Promise<Fresh> {
  const clock = new VirtualClock()
  const store = new MemoryCoordinateStore().withTime(() => clock.now())
  const namespace = await createCoordinate({ withTime: () => store }, { clock }).namespace('n')
  const spec = await namespace.setWorkSpec({ name: 'spec', runtime: 'node' })
  const run: Fresh['run'] = async (options) => {
    const worker = new CoordinateWorker({ namespace, tasks: {}, workerId: 'w', concurrency: 2, ...options })
    const stop = new AbortController()
    const { logger } = capturedLogger()
    const ended = runAllWorkers([{ name: 'Work', worker }], stop.signal, { clock, logger })
    ended.catch(() => {})
    await clock.advance(0)
    return {
      ended,
      stop: async () => {
        stop.abort(new Error('stopped'))
        await clock.advance(0)
        await ended
        expect(clock.pending).toBe(0)
        expect(getEventListeners(stop.signal, 'abort')).toEqual([])
      },
    }
  }
  return { clock, store, namespace, spec, run }
}

const add = (spec: WorkSpec, count: number): Promise<unknown> =>
  spec.addWorkUnits(Array.from({ length: count }, (_, at) => ({ name: `${at}`, data: { at } })))

const finishAll: CoordinateTask = async (attempts) => {
  await Promise.all(attempts.map((attempt) => attempt.finish({ done: true })))
}

/** Ends when its signal aborts, with nothing done. */
class Patient {
  readonly calls = new Probe<{ attempts: Attempt[]; signal: AbortSignal }>('calls')
  readonly task: CoordinateTask = (attempts, signal) => {
    this.calls.hit({ attempts, signal })
    return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
  }
}

describe('a CoordinateWorker', () => {
  it('hands all attempts of a request to the task of their spec, and asks again at once while work comes', async () => {
    const { spec, run } = await fresh()
    await add(spec, 25)
    const sets: number[] = []
    const task: CoordinateTask = async (attempts, signal) => {
      sets.push(attempts.length)
      await finishAll(attempts, signal)
    }
    const { stop } = await run({ tasks: { spec: task }, maxAttempts: 10 })
    expect(sets).toEqual([10, 10, 5])
    expect(await spec.countWorkUnitStatus()).toMatchObject({ finished: 25 })
    await stop()
  })

  it('works on as many sets at once as its concurrency', async () => {
    const { spec, run } = await fresh()
    await add(spec, 5)
    const patient = new Patient()
    const { stop } = await run({ tasks: { spec: patient.task }, maxAttempts: 1, concurrency: 3 })
    expect(patient.calls.count).toBe(3)
    await stop()
  })

  it('takes the task that the spec names, and fails what it has no task for, with the reason', async () => {
    const { namespace, run } = await fresh()
    const named = await namespace.setWorkSpec({ name: 'a', task: 'work', runtime: 'node' })
    const unknown = await namespace.setWorkSpec({ name: 'b', runtime: 'node' })
    await add(named, 1)
    await add(unknown, 2)
    const { stop } = await run({ tasks: { work: finishAll } })
    expect(await named.countWorkUnitStatus()).toMatchObject({ finished: 1 })
    expect(await unknown.countWorkUnitStatus()).toMatchObject({ failed: 2 })
    const { at, message } = await (await unknown.workUnit('1')).data()
    expect({ at, message }).toEqual({ at: 1, message: "this worker has no task 'b'; it has work" })
    await stop()
  })

  it('fails those attempts of a task that throws that are still pending, with message and stack', async () => {
    const { spec, run } = await fresh()
    await add(spec, 3)
    const task: CoordinateTask = async ([first]) => {
      await first!.finish()
      throw new Error('no more')
    }
    const { stop } = await run({ tasks: { spec: task } })
    expect(await spec.countWorkUnitStatus()).toMatchObject({ finished: 1, failed: 2 })
    const data = await (await spec.workUnit('2')).data()
    expect(data).toMatchObject({ at: 2, message: 'no more' })
    expect(data['stack']).toMatch(/Error: no more\n/)
    await stop()
  })

  it('is woken by new work, and without that asks again after pollInterval', async () => {
    const { clock, spec, run } = await fresh()
    const { stop } = await run({ tasks: { spec: finishAll }, pollInterval: '1m' })
    await add(spec, 1)
    await clock.advance(0)
    expect(await spec.countWorkUnitStatus()).toMatchObject({ finished: 1 })
    const notBefore = new Date(clock.now() + 5_000)
    await spec.addWorkUnit('later', {}, { notBefore })
    await clock.advance('59s')
    expect(await spec.countWorkUnitStatus()).toMatchObject({ available: 1 })
    await clock.advance('1s')
    expect(await spec.countWorkUnitStatus()).toMatchObject({ finished: 2 })
    await stop()
  })

  it('sends one request a pollInterval while there is nothing to do, however many children it has', async () => {
    const { clock, store, run } = await fresh()
    let requests = 0
    const request = store.attempts.request.bind(store.attempts)
    store.attempts.request = (...args) => (requests++, request(...args))
    const { stop } = await run({ concurrency: 50 })
    await clock.advance('100s')
    expect(requests).toBeLessThanOrEqual(102)
    await stop()
  })

  it('registers itself and its children, and says every heartbeatInterval how it is', async () => {
    const { clock, namespace, spec, run } = await fresh()
    await add(spec, 1)
    const patient = new Patient()
    const { stop } = await run({ tasks: { spec: patient.task }, heartbeatInterval: '10s' })
    const record = await namespace.worker('w')
    expect((await record.children()).map(({ name }) => name)).toEqual(['w-1', 'w-2'])
    await clock.advance('10s')
    expect(await record.data()).toEqual({
      hostname: expect.any(String) as string,
      pid: process.pid,
      cpus: expect.any(Number) as number,
      node: process.version,
      memory: expect.any(Number) as number,
      tasks: ['spec'],
    })
    expect((await record.lastUpdate()).getTime()).toBe(clock.now())
    expect((await record.expiration()).getTime()).toBe(clock.now() + 15 * 60_000)
    await stop()
    expect(await record.active()).toBe(false)
    expect(await Promise.all((await record.children()).map((child) => child.active()))).toEqual([
      false,
      false,
    ])
  })

  it('told to stop asks for nothing more, aborts its tasks, waits for them and expires what they leave', async () => {
    const { clock, spec, run } = await fresh()
    await add(spec, 4)
    let isDone = false
    const task: CoordinateTask = async ([first], signal) => {
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
      await first!.finish()
      await Promise.resolve().then(() => (isDone = true))
    }
    const { stop } = await run({ tasks: { spec: task }, maxAttempts: 2, concurrency: 1 })
    await stop()
    expect(isDone).toBe(true)
    expect(await spec.countWorkUnitStatus()).toMatchObject({ finished: 1, pending: 0, available: 3 })
    expect(await (await spec.workUnit('1')).numAttempts()).toBe(1)
    await clock.advance('1h')
    expect(await spec.countWorkUnitStatus()).toMatchObject({ finished: 1, available: 3 })
  })

  it.each([
    [900_000, 870_000, 885_000],
    [120_000, 90_000, 105_000],
    [40_000, 20_000, 30_000],
  ])(
    'warns a task whose attempts live %i ms after %i ms, and fails them after %i',
    async (lifetime, warning, alarm) => {
      const { clock, spec, run } = await fresh()
      await add(spec, 2)
      const signals: AbortSignal[] = []
      let end = (): void => {}
      const task: CoordinateTask = (_, signal) => {
        signals.push(signal)
        return new Promise((resolve) => (end = resolve))
      }
      const { stop } = await run({ tasks: { spec: task }, concurrency: 1, lifetime })
      await clock.advance(warning - 1)
      expect(signals[0]!.aborted).toBe(false)
      await clock.advance(1)
      expect((signals[0]!.reason as Error).message).toBe("the attempts of task 'spec' are about to expire")
      await clock.advance(alarm - warning - 1)
      expect(await spec.countWorkUnitStatus()).toMatchObject({ pending: 2 })
      await clock.advance(1)
      expect(await spec.countWorkUnitStatus()).toMatchObject({ failed: 2 })
      end()
      await stop()
    },
  )

  it('warns no task that renews its attempts or has ended them', async () => {
    const { clock, spec, run } = await fresh()
    await add(spec, 2)
    const signals: AbortSignal[] = []
    const got = new Probe<Attempt[]>('got')
    let end = (): void => {}
    const task: CoordinateTask = (attempts, signal) => {
      signals.push(signal)
      got.hit(attempts)
      return new Promise((resolve) => (end = resolve))
    }
    const { stop } = await run({ tasks: { spec: task }, concurrency: 1 })
    const [[first, second]] = (await got.times(1)) as [[Attempt, Attempt]]
    await clock.advance('14m')
    await first.renew('15m')
    await second.finish()
    await clock.advance('14m')
    expect(signals[0]!.aborted).toBe(false)
    await clock.advance('30s')
    expect(signals[0]!.aborted).toBe(true)
    end()
    await stop()
  })

  it('renews the attempts of a running task with autoRenew, and no longer when it has ended', async () => {
    const { clock, spec, run } = await fresh()
    await add(spec, 2)
    const signals: AbortSignal[] = []
    let end = (): void => {}
    const task: CoordinateTask = (_, signal) => {
      signals.push(signal)
      return new Promise((resolve) => (end = resolve))
    }
    const { stop } = await run({ tasks: { spec: task }, concurrency: 1, autoRenew: true })
    await clock.advance('3h')
    expect(signals[0]!.aborted).toBe(false)
    expect(await spec.countWorkUnitStatus()).toMatchObject({ pending: 2 })
    expect(signals).toHaveLength(1)
    end()
    await stop()
    expect(await spec.countWorkUnitStatus()).toMatchObject({ available: 2 })
  })

  it('removes what ended longer ago than its retention, when it says how it is', async () => {
    const { clock, spec, run } = await fresh()
    await add(spec, 3)
    const { stop } = await run({ tasks: { spec: finishAll }, retention: '1m' })
    await clock.advance('59s')
    expect((await spec.countWorkUnitStatus()).finished).toBe(3)
    await clock.advance('1s')
    expect((await spec.countWorkUnitStatus()).finished).toBe(0)
    await stop()
  })

  it('tells errorHandler of what the store says, and goes on', async () => {
    const { clock, store, spec, run } = await fresh()
    const request = store.attempts.request.bind(store.attempts)
    store.attempts.request = () => Promise.reject(new Error('store is down'))
    const errors: unknown[] = []
    const { stop } = await run({ tasks: { spec: finishAll }, errorHandler: (error) => errors.push(error) })
    await add(spec, 1)
    await clock.advance('10s')
    expect(errors.length).toBeGreaterThanOrEqual(9)
    expect((errors[0] as Error).message).toBe('store is down')
    store.attempts.request = request
    await clock.advance('1s')
    expect(await spec.countWorkUnitStatus()).toMatchObject({ finished: 1 })
    await stop()
  })

  it('rejects when it cannot register itself', async () => {
    const { store, run } = await fresh()
    store.workers.obtain = () => Promise.reject(new Error('store is down'))
    const { ended } = await run({})
    await expect(ended).rejects.toThrow('store is down')
  })

  it.each<[Partial<CoordinateWorkerOptions>, RegExp]>([
    [{ namespace: {} as never }, /namespace: expected a namespace/],
    [{ tasks: [] as never, concurrency: 0 }, /concurrency: expected a whole number of 1 or more; got 0/],
    [{ tasks: { a: 1 as never } }, /tasks\.a: expected a function \(attempts, signal\) => Promise; got 1/],
    [{ maxAttempts: 1.5 }, /maxAttempts: expected a whole number/],
    [{ pollInterval: 'often' }, /pollInterval/],
    [{ heartbeatInterval: 0 }, /heartbeatInterval/],
    [{ runtimes: 'node' as never }, /runtimes: expected an array of strings; got "node"/],
    [{ autoRenew: 1 as never }, /autoRenew: expected true or false; got 1/],
    [{ errorHandler: {} as never }, /errorHandler: expected a function/],
    [{ concurency: 1 } as never, /unknown option 'concurency'; did you mean 'concurrency'/],
  ])('refuses the options %j', async (options, said) => {
    const { namespace } = await fresh()
    expect(() => new CoordinateWorker({ namespace, tasks: {}, ...options })).toThrow(said)
  })
})
