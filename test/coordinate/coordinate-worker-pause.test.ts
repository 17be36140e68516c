import { Runtime, runAllWorkers } from 'runutil'
import {
  type CoordinateTask,
  CoordinateWorker,
  MemoryCoordinateStore,
  createCoordinate,
} from 'runutil/coordinate'
import { Probe, VirtualClock } from 'runutil/testing'
import { describe, expect, test } from 'vitest'
import { capturedLogger } from '../support/logs.ts'

/** A worker whose tasks end when the test says. */
async function paused() {
  const clock = new VirtualClock()
  const store = new MemoryCoordinateStore().withTime(() => clock.now())
  const namespace = await createCoordinate({ withTime: () => store }, { clock }).namespace('n')
  const spec = await namespace.setWorkSpec({ name: 'spec', runtime: 'node' })
  const begun = new Probe<() => void>('begun')
  const task: CoordinateTask = async (attempts) => {
    await new Promise<void>((resolve) => begun.hit(resolve))
    for (const attempt of attempts) await attempt.finish()
  }
  const lease = { lifetime: '1m', autoRenew: true, pollInterval: '1h' } as const
  const worker = new CoordinateWorker({
    namespace,
    tasks: { spec: task },
    concurrency: 2,
    maxAttempts: 1,
    ...lease,
  })
  const runtime = new Runtime()
  const stop = new AbortController()
  const { logger } = capturedLogger()
  const run = runAllWorkers([{ name: 'Work', worker }], stop.signal, { clock, logger, runtime })
  await clock.advance(0)
  const add = async (...names: string[]): Promise<void> => {
    await spec.addWorkUnits(names.map((name) => ({ name, data: {} })))
    await clock.advance(0)
  }
  const end = async (): Promise<void> => {
    stop.abort()
    await clock.advance(0)
    await run
    expect(clock.pending).toBe(0)
  }
  return { clock, store, spec, begun, runtime, add, end }
}

describe('a paused CoordinateWorker', () => {
  test('asks for nothing, renews and ends what it works on, and asks at once when it is resumed', async () => {
    const { clock, spec, begun, runtime, add, end } = await paused()
    await add('1')
    await runtime.pause('/Work')
    await add('2')
    await clock.advance('5m')
    expect(runtime.get('/Work')).toMatchObject({ kind: 'coordinate', state: 'paused' })
    expect([begun.count, await spec.countWorkUnitStatus()]).toMatchObject([1, { pending: 1, available: 1 }])
    begun.values[0]!()
    await clock.advance('5m')
    expect([begun.count, await spec.countWorkUnitStatus()]).toMatchObject([1, { finished: 1, available: 1 }])
    await runtime.resume('/Work')
    await clock.advance(0)
    expect([begun.count, runtime.get('/Work')!.state]).toEqual([2, 'ready'])
    begun.values[1]!()
    await clock.advance(0)
    expect(await spec.countWorkUnitStatus()).toMatchObject({ finished: 2 })
    await end()
  })

  test('gives back what a request brings that was under way', async () => {
    const { clock, store, spec, begun, runtime, add, end } = await paused()
    const request = store.attempts.request.bind(store.attempts)
    let arrive = (): void => {}
    store.attempts.request = async (...args) => {
      const answer = await request(...args)
      await new Promise<void>((resolve) => (arrive = resolve))
      return answer
    }
    await add('1')
    await runtime.pause('/Work')
    arrive()
    await clock.advance('10s')
    expect([begun.count, await spec.countWorkUnitStatus()]).toMatchObject([0, { available: 1, pending: 0 }])
    await end()
  })

  test('stops as any other, and stays paused when it is started again', async () => {
    const { clock, begun, runtime, add, end } = await paused()
    await runtime.pause('/Work')
    await runtime.restart('/Work')
    await add('1')
    await clock.advance('1m')
    expect([begun.count, runtime.get('/Work')]).toMatchObject([0, { state: 'paused', runs: 2 }])
    await end()
    expect(runtime.get('/Work')!.state).toBe('stopped')
  })
})
