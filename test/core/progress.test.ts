import { InvalidArgumentError, Runtime, repeat, reportProgress, runAllWorkers } from 'runutil'
import { cron } from 'runutil/cron'
import { MemoryLeaseStore, distributedRepeat } from 'runutil/leases'
import type { JobEvent } from 'runutil/queue'
import { VirtualClock } from 'runutil/testing'
import { describe, expect, it, test } from 'vitest'
import { capturedLogger } from '../support/logs.ts'
import { untilAbort } from '../support/outcome.ts'
import { freshWorker } from '../support/queue/fresh-worker.ts'

const NOON = Date.UTC(2026, 0, 1, 12)

describe('reportProgress', () => {
  test.each<unknown[]>([
    [Number.NaN],
    [-1],
    [Infinity],
    ['1'],
    [undefined],
    [1, Number.NaN],
    [1, -1],
    [1, 2, 3],
  ])('rejects %j, %j, %j', (...amounts) => {
    expect(() => reportProgress(...(amounts as [number]))).toThrow(InvalidArgumentError)
  })

  it('does nothing outside of jobs and runs of repeating workers', async () => {
    reportProgress(1, 2, 'outside')
    const runtime = new Runtime()
    const { logger } = capturedLogger()
    const worker = async (): Promise<void> => {
      reportProgress(1, 2, 'in a worker without runs')
      expect(runtime.get('/It')!.running).toBeUndefined()
    }
    await runAllWorkers([{ name: 'It', worker, restart: 'temporary' }], undefined, { runtime, logger })
  })

  test.each<[string, (clock: VirtualClock, job: (signal: AbortSignal) => Promise<void>) => unknown]>([
    ['repeat', (_, job) => repeat('1m', job)],
    ['cron', (_, job) => cron('* * * * *', job)],
    [
      'distributedRepeat',
      (clock, job) => distributedRepeat(new MemoryLeaseStore({ clock }), 'one', '1m', job),
    ],
  ])('is shown with the run of a %s, and the next run begins without it', async (_, make) => {
    const clock = new VirtualClock({ now: NOON })
    const runtime = new Runtime()
    const stop = new AbortController()
    const { logger } = capturedLogger()
    let runs = 0
    const job = async (): Promise<void> => {
      if (++runs > 1) return untilAbort(stop.signal)
      reportProgress(1)
      await new Promise<void>((resolve) => clock.setTimeout(resolve, 1_000))
      reportProgress(2, 3, 'copying')
      await new Promise<void>((resolve) => clock.setTimeout(resolve, 1_000))
    }
    const worker = make(clock, job) as ReturnType<typeof repeat>
    const run = runAllWorkers([{ name: 'It', worker }], stop.signal, { clock, runtime, logger })
    await clock.advance(0)
    for (let ms = 0; runs === 0; ms += 1_000) await clock.advance('1s')
    const first = runtime.get('/It')!.running!
    expect(first.progress).toEqual({ done: 1, at: first.startedAt })
    await clock.advance('1s')
    const at = new Date(first.startedAt.getTime() + 1_000)
    expect(runtime.get('/It')!.running!.progress).toEqual({ done: 2, total: 3, note: 'copying', at })
    for (let ms = 0; runs === 1; ms += 1_000) await clock.advance('1s')
    expect(Object.keys(runtime.get('/It')!.running!)).toEqual(['startedAt', 'traceId'])
    stop.abort()
    await clock.advance(0)
    await run
  })
})

describe('progress of a job', () => {
  it('is emitted immediately and then at most once a second, and not after its end', async () => {
    const events: JobEvent[] = []
    const handler = async (): Promise<void> => {
      reportProgress(0, 10, 'first')
      for (let done = 1; done <= 6; done++) {
        await new Promise<void>((resolve) => clock.setTimeout(resolve, 400))
        reportProgress(done, 10)
      }
      setImmediate(() => reportProgress(9))
    }
    const { clock, enqueue, queue, run } = freshWorker(handler, { lease: '4s' })
    queue.onEvent((event) => void (event.type === 'progress' && events.push(event)))
    const { runtime, stop } = await run()
    const start = clock.now()
    await enqueue('1')
    await clock.advance(900)
    expect(runtime.get('/#0')!.detail).toMatchObject({
      running: [{ id: '1', progress: { done: 2, total: 10, at: new Date(start + 800) } }],
    })
    expect((await queue.get('1'))!.progress).toBeUndefined()
    // The lease is renewed after a quarter of its 4 s.
    await clock.advance(200)
    expect((await queue.get('1'))!.progress).toEqual({ done: 2, total: 10, at: new Date(start + 800) })
    await clock.advance('1m')
    const facts = { type: 'progress', id: '1', kind: 'a', attempt: 1, total: 10 }
    expect(events).toEqual([
      { ...facts, done: 0, note: 'first' },
      { ...facts, done: 2 },
      { ...facts, done: 4 },
    ])
    await stop()
  })
})
