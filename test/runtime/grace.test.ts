import { getEventListeners } from 'node:events'
import {
  type Runnable,
  ShutdownTimeoutError,
  WorkerGroupError,
  namedWorker,
  runAllJobs,
  runAllWorkers,
  wait,
} from 'runutil'
import { Probe, VirtualClock } from 'runutil/testing'
import { describe, expect, test } from 'vitest'
import { failureOf, follow, untilAbort } from '../support/outcome.ts'

describe('grace', () => {
  const stubborn = (): Promise<void> => new Promise(() => {})

  test('names the workers that have not ended by its end', async () => {
    const clock = new VirtualClock()
    const stop = new AbortController()
    const workers = [namedWorker(stubborn, 'a'), untilAbort, namedWorker(stubborn, 'b')]
    const run = follow(runAllWorkers(workers, stop.signal, { clock, grace: '30s' }))
    await clock.advance('1h')
    stop.abort()
    await clock.advance(29_999)
    expect(run.settled).toBe('no')
    await clock.advance(1)
    const { errors } = run.error as WorkerGroupError
    expect(errors).toEqual([expect.any(ShutdownTimeoutError)])
    expect(errors[0]).toMatchObject({ workers: ['/a', '/b'], graceMs: 30_000 })
    expect(getEventListeners(stop.signal, 'abort')).toHaveLength(0)
  })

  test('also starts with the first exit, and is reported after the root cause', async () => {
    const clock = new VirtualClock({ auto: true })
    const broken = new Error('broken')
    const workers: Runnable[] = [namedWorker(stubborn, 'a'), () => Promise.reject(broken)]
    const error = await failureOf<WorkerGroupError>(runAllWorkers(workers, undefined, { clock, grace: '5s' }))
    expect(error.errors).toEqual([broken, expect.any(ShutdownTimeoutError)])
    expect(clock.elapsed()).toBe(5_000)
  })

  test('sets no timer that outlives the run', async () => {
    const clock = new VirtualClock()
    const stop = new AbortController()
    const run = runAllWorkers([untilAbort], stop.signal, { clock, grace: '30s' })
    stop.abort()
    await run
    expect(clock.pending).toBe(0)
  })

  test('of 0 still lets workers end that need no time to do so', async () => {
    const stop = new AbortController()
    const run = runAllWorkers([untilAbort], stop.signal, { grace: 0 })
    stop.abort()
    await expect(run).resolves.toBeUndefined()
  })

  test('ignores what a late worker throws afterwards', async () => {
    const clock = new VirtualClock()
    const stop = new AbortController()
    const late = new Probe('late')
    const worker = async (signal: AbortSignal): Promise<void> => {
      await untilAbort(signal)
      await wait('10s')
      late.hit()
      throw new Error('too late')
    }
    const run = failureOf<WorkerGroupError>(runAllWorkers([worker], stop.signal, { clock, grace: '1s' }))
    stop.abort()
    await clock.advance('20s')
    await late.times(1)
    expect((await run).errors).toHaveLength(1)
  })

  test('is unlimited by default', async () => {
    const clock = new VirtualClock()
    const stop = new AbortController()
    const run = follow(runAllWorkers([stubborn], stop.signal, { clock }))
    stop.abort()
    await clock.advance('365d')
    expect(run.settled).toBe('no')
    expect(clock.pending).toBe(0)
  })

  test('limits jobs, too', async () => {
    const clock = new VirtualClock({ auto: true })
    const stop = new AbortController()
    const run = failureOf<WorkerGroupError>(
      runAllJobs([stubborn, async () => {}], stop.signal, { clock, grace: '1s' }),
    )
    stop.abort()
    expect((await run).errors).toEqual([expect.any(ShutdownTimeoutError)])
  })
})
