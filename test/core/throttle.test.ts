import { VirtualClock } from 'runutil/testing'
import { beforeEach, expect, test } from 'vitest'
import { Throttle } from '../../packages/runutil/src/core/throttle.ts'

let clock: VirtualClock
let throttle: Throttle
/** When it called. */
let at: number[]
beforeEach(() => {
  clock = new VirtualClock()
  at = []
  const begun = clock.elapsed()
  throttle = new Throttle(() => at.push(clock.elapsed() - begun), 10, clock)
})

test('of many calls for nothing the first is made at once, the others as one each time the while is over', async () => {
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

test('after a call that was worth it the next is made at once, also one that was put off', async () => {
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

test('once stopped it calls nothing, not even what was put off', async () => {
  throttle.call()
  throttle.call()
  throttle.stop()
  throttle.call()
  await clock.advance(100)
  expect(at).toEqual([0])
})
