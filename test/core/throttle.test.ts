import { VirtualClock } from 'runutil/testing'
import { beforeEach, expect, test } from 'vitest'
import { Throttle } from '../../packages/runutil/src/core/throttle.ts'

let clock: VirtualClock
let throttle: Throttle
/** The times of its calls. */
let at: number[]
beforeEach(() => {
  clock = new VirtualClock()
  at = []
  const begun = clock.elapsed()
  throttle = new Throttle(() => at.push(clock.elapsed() - begun), 10, clock)
})

test('of many fruitless calls the first is made immediately, the others as one at the end of each interval', async () => {
  for (let i = 0; i < 35; i++) {
    throttle.call()
    throttle.call()
    await clock.advance(1)
  }
  await clock.advance(100)
  expect(at).toEqual([0, 10, 20, 30, 40])
  throttle.call()
  expect(at.at(-1)).toBe(135)
  expect(clock.pending).toBe(0)
})

test('after a fruitful call the next is made immediately, even one that was deferred', async () => {
  throttle.call()
  throttle.worthIt()
  await clock.advance(1)
  throttle.call()
  throttle.call()
  await clock.advance(1)
  throttle.worthIt()
  await clock.advance(1)
  throttle.call()
  await clock.advance(100)
  expect(at).toEqual([0, 1, 2, 12])
})

test('a stopped throttle makes no call, not even a deferred one', async () => {
  throttle.call()
  throttle.call()
  throttle.stop()
  throttle.call()
  await clock.advance(100)
  expect(at).toEqual([0])
})
