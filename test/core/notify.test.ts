import { VirtualClock } from 'runutil/testing'
import { expect, test } from 'vitest'
import { Notify } from '../../packages/runutil/src/core/notify.ts'

test('a notification ends the wait, and leaves neither timer nor listener', async () => {
  const clock = new VirtualClock()
  const notify = new Notify(clock, new AbortController().signal)
  const waiting = notify.wait(1_000)
  expect(notify.notify()).toBe(true)
  expect(await waiting).toBe(true)
  expect(clock.pending).toBe(0)
})

test('notifications without a waiter are kept as one', async () => {
  const clock = new VirtualClock()
  const notify = new Notify(clock)
  expect(notify.notify()).toBe(false)
  expect(notify.notify()).toBe(false)
  expect(await notify.wait(1_000)).toBe(true)
  const second = notify.wait(1_000)
  await clock.advance(1_000)
  expect(await second).toBe(false)
})

test('an abort ends the current wait and all later ones', async () => {
  const clock = new VirtualClock()
  const controller = new AbortController()
  const notify = new Notify(clock, controller.signal)
  const waiting = notify.wait(Infinity)
  controller.abort()
  expect(await waiting).toBe(false)
  expect(await notify.wait(Infinity)).toBe(false)
})
