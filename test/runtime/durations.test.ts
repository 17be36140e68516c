import { Runtime, repeat, runAllWorkers } from 'runutil'
import { JobQueue, MemoryJobStore, QueueWorker } from 'runutil/queue'
import { expect, test } from 'vitest'
import { capturedLogger } from '../support/logs.ts'

const BLOCK_MS = 30

/** Blocks the event loop, like a computation. */
function block(): void {
  const until = performance.now() + BLOCK_MS
  while (performance.now() < until);
}

/** Checks two runs that blocked one after another: each took its own time, and the second one not that of the first. */
function expectOwnTimes(durations: number[], inAll: number): void {
  expect(durations).toHaveLength(2)
  for (const durationMs of durations) expect(durationMs).toBeGreaterThanOrEqual(BLOCK_MS)
  expect(durations[1]).toBeLessThanOrEqual(inAll - BLOCK_MS)
}

test.each([
  ['functions', () => block()],
  ['async functions', async () => block()],
])('two runs of %s that block the event loop in one turn are each charged their own time', async (_, job) => {
  const runtime = new Runtime()
  const stop = new AbortController()
  const durations: number[] = []
  let begunAt = NaN
  let inAll = NaN
  runtime.on((event) => {
    if (event.type !== 'ran') return
    inAll = performance.now() - begunAt
    if (durations.push(event.durationMs) === 2) stop.abort()
  })
  const timed = () => {
    if (Number.isNaN(begunAt)) begunAt = performance.now()
    return job()
  }
  await runAllWorkers([repeat('20ms', timed), repeat('20ms', timed)], stop.signal, {
    runtime,
    logger: capturedLogger().logger,
  })
  expectOwnTimes(durations.slice(0, 2), inAll)
})

test('two handlers that block the event loop in one turn are each charged their own time', async () => {
  const queue = new JobQueue(new MemoryJobStore())
  const stop = new AbortController()
  const durations: number[] = []
  let begunAt = NaN
  let inAll = NaN
  queue.onEvent((event) => {
    if (event.type !== 'settled') return
    inAll = performance.now() - begunAt
    if (durations.push(event.durationMs) === 2) stop.abort()
  })
  const worker = new QueueWorker(queue, { concurrency: 2 }).register('k', () => {
    if (Number.isNaN(begunAt)) begunAt = performance.now()
    block()
  })
  await queue.enqueue([
    { id: 'a', kind: 'k' },
    { id: 'b', kind: 'k' },
  ])
  await runAllWorkers([worker], stop.signal, { logger: capturedLogger().logger })
  expectOwnTimes(durations, inAll)
})
