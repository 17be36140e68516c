import { RetryableError } from 'runutil/queue'
import type { KindStats } from 'runutil/queue'
import { describe, expect, test } from 'vitest'
import { breakableQueue, freshWorker } from '../support/queue/fresh-worker.ts'
import { ScriptedHandler, givesUp } from '../support/queue/scripted-handler.ts'

const MINUTE_MS = 60_000

/** A worker on a clock that is at the beginning of a minute. */
async function atMinute(options: Parameters<typeof freshWorker>[1] = {}) {
  const script = new ScriptedHandler()
  const worker = freshWorker(script.handle, { concurrency: 10, ...options })
  await worker.clock.advance(MINUTE_MS - (worker.clock.now() % MINUTE_MS))
  const of = async (kind = 'a'): Promise<KindStats | undefined> =>
    (await worker.queue.stats()).find((its) => its.kind === kind)
  /** Of kind 'a', by how many minutes ago it was. */
  const minute = async (ago: number): Promise<[done: number, failed: number, retried: number]> => {
    const { done, failed, retried } = (await of())!.perMinute.at(-1 - ago)!
    return [done, failed, retried]
  }
  return { ...worker, script, of, minute }
}

describe('the minutes of a QueueWorker', () => {
  test('have how its attempts ended, within 5 s after each minute', async () => {
    const { clock, enqueue, run, script, minute, of } = await atMinute()
    const { stop } = await run()
    await enqueue('1', '2', '3', '4')
    ;(await script.call('1')).return()
    ;(await script.call('2')).throw(new Error('no'))
    ;(await script.call('3')).throw(new TypeError('a panic'))
    ;(await script.call('4')).throw(new RetryableError({ cause: new Error('later'), retryAfter: '1h' }))
    await clock.advance(MINUTE_MS - 1)
    expect(await minute(0)).toEqual([0, 0, 0])
    await clock.advance(5_001)
    expect(await minute(1)).toEqual([1, 2, 1])
    expect(await minute(0)).toEqual([0, 0, 0])
    expect(await of()).toMatchObject({ kind: 'a', waiting: 1, due: 0, running: 0, failed: 2, paused: false })
    await stop()
  })

  test('are added when it stops, with what there is of the last one', async () => {
    const { clock, enqueue, run, script, minute, of } = await atMinute()
    const { stop } = await run()
    await enqueue('1')
    await clock.advance(59_000)
    ;(await script.call('1')).return()
    await clock.advance(2_000)
    await enqueue('2')
    ;(await script.call('2')).return()
    await stop()
    expect([await minute(1), await minute(0)]).toEqual([
      [1, 0, 0],
      [1, 0, 0],
    ])
    expect((await of())!.handleMs!.p99 / 59_000).toBeCloseTo(1, 1)
  })

  test('have how long its handlers took, and how long jobs waited from when they were due', async () => {
    const { clock, queue, run, script, of } = await atMinute({ concurrency: 1 })
    await queue.enqueue({ id: '1', kind: 'a', delay: '10s' })
    await clock.advance('12s')
    const { stop } = await run()
    const { return: end } = await script.call('1')
    await clock.advance(300)
    end()
    await stop()
    const { handleMs, waitMs } = (await of())!
    for (const p of ['p50', 'p95', 'p99'] as const) {
      expect(Math.abs(handleMs![p] / 300 - 1)).toBeLessThan(0.022)
      expect(Math.abs(waitMs![p] / 2_000 - 1)).toBeLessThan(0.022)
    }
  })

  test('are added by one call a minute, of all workers of the process and all their kinds', async () => {
    const { clock, queue, run, worker, script, store, ...fresh } = await atMinute()
    worker.register('b', () => {})
    const other = freshWorker(script.handle, { fresh: { ...fresh, clock, queue, store } })
    other.worker.register('c', () => {})
    const running = [await run(), await other.run()]
    for (let minutes = 1; minutes <= 3; minutes++) {
      await queue.enqueue(['b', 'b', 'c'].map((kind) => ({ kind })))
      await clock.advance(MINUTE_MS)
      await clock.advance(5_000)
      expect(store.calls('addMinutes')).toHaveLength(minutes)
    }
    await clock.advance(5 * MINUTE_MS)
    await Promise.all(running.map(({ stop }) => stop()))
    expect(store.calls('addMinutes').flatMap(([its]) => its.map(({ kind, done }) => [kind, done]))).toEqual(
      Array.from({ length: 3 }, () => [
        ['b', 2],
        ['c', 1],
      ]).flat(),
    )
  })

  test('that the store cannot take are added later, each as what it was', async () => {
    const { clock, enqueue, run, script, store, minute, lines } = await atMinute()
    const { stop } = await run()
    store.fail('addMinutes', { times: 2 })
    for (const id of ['1', '2', '3']) {
      await enqueue(id)
      ;(await script.call(id)).return()
      await clock.advance(MINUTE_MS)
    }
    await clock.advance(5_000)
    expect(store.calls('addMinutes')).toHaveLength(3)
    expect(await Promise.all([3, 2, 1].map(minute))).toEqual(Array(3).fill([1, 0, 0]))
    expect(lines.filter(({ level }) => level > 30)).toEqual([])
    await stop()
  })

  test('hold up its stop for no more than a moment', async () => {
    const { clock, enqueue, run, script, store } = await atMinute()
    const { abort, ended } = await run()
    await enqueue('1')
    ;(await script.call('1')).return()
    await clock.advance(0)
    store.silence('addMinutes')
    await abort()
    await clock.advance(1_000)
    await ended
    expect(clock.pending).toBe(0)
  })

  test('have only what was recorded: no lost outcome, and a refused one as failed', async () => {
    const { clock, enqueue, run, script, store, elsewhere, minute } = await atMinute()
    const { stop } = await run()
    await enqueue('lost', 'refused')
    await elsewhere.cancel('lost')
    ;(await script.call('lost')).return()
    await clock.advance(0)
    store.fail('settle', { times: 1, error: new Error('cannot store this') })
    ;(await script.call('refused')).return()
    await clock.advance(0)
    await stop()
    expect(await minute(0)).toEqual([0, 1, 0])
  })

  test('count no attempt that its stop ended', async () => {
    const fresh = breakableQueue()
    const { enqueue, run, queue, store } = freshWorker(givesUp, { fresh })
    const { stop } = await run()
    await enqueue('1')
    await stop()
    expect(await queue.get('1')).toMatchObject({ status: 'PENDING' })
    expect(await queue.stats()).toMatchObject([{ kind: 'a', waiting: 1 }])
    expect(store.calls('addMinutes')).toEqual([])
  })
})
