import { getEventListeners } from 'node:events'
import { runAllWorkers, wait } from 'runutil'
import { VirtualClock } from 'runutil/testing'
import { expect, test, vi } from 'vitest'
import { toMs } from '../../packages/runutil/src/core/duration.ts'
import { sleep } from '../../packages/runutil/src/core/wait.ts'

test.each([1, 999, '5s', '1h', '365d'])('wait resolves after %j, not earlier', async (duration) => {
  const clock = new VirtualClock()
  const woke: number[] = []
  const stop = new AbortController()
  const sleeper = async (signal: AbortSignal): Promise<void> => {
    await wait(duration, signal)
    woke.push(clock.elapsed())
    stop.abort()
  }
  const run = runAllWorkers([sleeper], stop.signal, { clock })
  const ms = toMs(duration, 'test')
  await clock.advance(ms - 0.5)
  expect(woke).toEqual([])
  await clock.advance(0.5)
  await run
  expect(woke).toEqual([ms])
})

test('sleep resolves early on abort, and removes its timer and listener', async () => {
  const clock = new VirtualClock()
  const { signal, ...controller } = withAbort()
  const slept = sleep(clock, 60_000, signal)
  expect(clock.pending).toBe(1)
  controller.abort('any reason')
  await expect(slept).resolves.toBeUndefined()
  expect(clock.pending).toBe(0)
  expect(clock.elapsed()).toBe(0)
  expect(getEventListeners(signal, 'abort')).toHaveLength(0)
})

test('sleep removes its listener when the time is over', async () => {
  const clock = new VirtualClock({ auto: true })
  const { signal } = withAbort()
  await sleep(clock, 60_000, signal)
  expect(getEventListeners(signal, 'abort')).toHaveLength(0)
  expect(clock.pending).toBe(0)
})

test('sleep resolves immediately and sets no timer if the signal has aborted', async () => {
  const clock = new VirtualClock()
  await sleep(clock, 60_000, AbortSignal.abort())
  expect(clock.pending).toBe(0)
})

test('10,000 waits on one signal leave no listener and print no warning', async () => {
  const warned = vi.fn()
  process.on('warning', warned)
  const { signal, abort } = withAbort()
  const slept = Array.from({ length: 10_000 }, () => wait('1h', signal))
  expect(getEventListeners(signal, 'abort')).toHaveLength(1)
  abort()
  await Promise.all(slept)
  await wait(0)
  process.off('warning', warned)
  expect(getEventListeners(signal, 'abort')).toHaveLength(0)
  expect(warned).not.toHaveBeenCalled()
})

test('a wait of 0 is a macrotask, so that a loop of them lets timers run', async () => {
  let fired = false
  setTimeout(() => (fired = true), 1)
  let rounds = 0
  while (!fired && rounds++ < 1_000_000) await wait(0)
  expect(fired).toBe(true)
})

test('wait uses the real clock outside of a run', async () => {
  const before = performance.now()
  await wait(20)
  expect(performance.now() - before).toBeGreaterThanOrEqual(20)
})

function withAbort(): { signal: AbortSignal; abort: (reason?: unknown) => void } {
  const controller = new AbortController()
  return { signal: controller.signal, abort: (reason) => controller.abort(reason) }
}
