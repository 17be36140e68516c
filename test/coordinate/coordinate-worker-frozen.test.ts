import { runAllWorkers } from 'runutil'
import { type Attempt, CoordinateWorker, MemoryCoordinateStore, createCoordinate } from 'runutil/coordinate'
import { VirtualClock } from 'runutil/testing'
import { expect, it } from 'vitest'
import { FreezableClock } from '../support/freezable-clock.ts'
import { capturedLogger } from '../support/logs.ts'

it('a coordinate worker that was frozen for longer than its attempts last gets none of its own again', async () => {
  const clock = new VirtualClock()
  const frozen = new FreezableClock(clock)
  const namespace = await createCoordinate(new MemoryCoordinateStore(), { clock }).namespace('n')
  const spec = await namespace.setWorkSpec({ name: 'spec', runtime: 'node' })
  const unit = await spec.addWorkUnit('u', {})
  const sets: [Attempt[], AbortSignal][] = []
  let letGo = (): void => {}
  const task = async (attempts: Attempt[], signal: AbortSignal): Promise<void> => {
    sets.push([attempts, signal])
    await new Promise<void>((resolve) => (letGo = resolve))
    for (const attempt of attempts) await attempt.finish()
  }
  const worker = new CoordinateWorker({
    namespace,
    tasks: { spec: task },
    concurrency: 3,
    lifetime: '1m',
    autoRenew: true,
    clock: frozen,
  })
  const stop = new AbortController()
  const ended = runAllWorkers([worker], stop.signal, { clock: frozen, logger: capturedLogger().logger })
  await clock.advance('1s')
  frozen.freeze()
  await clock.advance('10m')
  await frozen.thaw()
  await clock.advance('10m')
  expect(sets).toHaveLength(1)
  expect(sets[0]![1].aborted).toBe(false)
  letGo()
  await clock.advance('1s')
  expect(await unit.status()).toBe('finished')
  stop.abort()
  await clock.advance('1s')
  await ended
})
