import { type Clock, repeat, runAllWorkers } from 'runutil'
import { VirtualClock } from 'runutil/testing'
import { expect, test } from 'vitest'
import { capturedLogger } from '../support/logs.ts'

/** How often ten runs of a job, after its first two, read the time anew: that costs as much as the rest of a short run. */
async function readsOfTenRuns(job: (clock: VirtualClock) => Promise<void> | void): Promise<number> {
  const clock = new VirtualClock()
  let reads = 0
  const counting: Clock = {
    now: () => clock.now(),
    elapsed: () => clock.elapsed(),
    elapsedNow: () => {
      reads++
      return clock.elapsed()
    },
    random: () => clock.random(),
    setTimeout: (callback, delayMs) => clock.setTimeout(callback, delayMs),
    setTimeoutAt: (callback, elapsedMs) => clock.setTimeoutAt(callback, elapsedMs),
  }
  const stop = new AbortController()
  const running = runAllWorkers([repeat(10, () => job(clock))], stop.signal, {
    clock: counting,
    logger: capturedLogger().logger,
  })
  await clock.advance(25)
  reads = 0
  await clock.advance(100)
  const inAll = reads
  stop.abort()
  await clock.advance(10)
  await running
  return inAll
}

test.each<[string, number, (clock: VirtualClock) => Promise<void> | void]>([
  ['a function', 10, () => {}],
  ['a short async function', 10, async () => {}],
  [
    'an async function that takes a millisecond',
    20,
    (clock) => new Promise((resolve) => clock.setTimeout(resolve, 1)),
  ],
])('ten runs of %s read the time %d times', async (_, reads, job) => {
  expect(await readsOfTenRuns(job)).toBe(reads)
})
