import { AsyncLocalStorage } from 'node:async_hooks'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Clock, type Timer, repeat, runAllWorkers, wait } from 'runutil'
import { VirtualClock } from 'runutil/testing'
import { type Repeated, lengthOf } from '../support/runtime/repeated.ts'

interface Scenario extends Repeated {
  readonly abortAt: number
}

const scenario = fc.record<Scenario>({
  everyMs: fc.integer({ min: 1, max: 20 }),
  lengths: fc.array(fc.integer({ min: 0, max: 60 }), { minLength: 1, maxLength: 8 }),
  startImmediately: fc.boolean(),
  // Never at the time of a start.
  abortAt: fc.integer({ min: 0, max: 300 }).map((at) => at + 0.5),
})

const storage = new AsyncLocalStorage<string>()

describe('repeat against a ticker with a buffer of one', () => {
  it('starts its runs at the same times in its own async context, and ends with the last of them', async () => {
    await fc.assert(
      fc.asyncProperty(scenario, async (given) => {
        expect(await runScenario(given)).toEqual(model(given))
      }),
      { numRuns: 1_000 },
    )
  })
})

async function runScenario({ everyMs, lengths, startImmediately, abortAt }: Scenario) {
  const clock = new VirtualClock({ auto: true })
  const controller = new AbortController()
  storage.run('of another', () => clock.setTimeout(() => controller.abort(), abortAt))
  const starts: number[] = []
  const job = async (): Promise<void> => {
    const length = lengthOf(starts.length, lengths)
    starts.push(clock.elapsed())
    expect(storage.getStore()).toBe('own')
    storage.enterWith('entered')
    if (length > 0) await wait(length)
  }
  const worker = repeat(everyMs, job, { startImmediately })
  await storage.run('own', () => runAllWorkers([worker], controller.signal, { clock }))
  return { starts, endedAt: clock.elapsed() }
}

/** Steps through time: ticks first, then ends of runs. A tick during a run is kept, and further ones are dropped. */
function model({ everyMs, lengths, startImmediately, abortAt }: Scenario) {
  const starts: number[] = []
  let busyUntil = -1
  let kept = false
  let origin = startImmediately ? -1 : 0
  const start = (now: number): void => {
    busyUntil = now + lengthOf(starts.length, lengths)
    starts.push(now)
  }
  if (startImmediately) start(0)
  for (let now = 0; now < abortAt; now++) {
    const tick = origin >= 0 && now > origin && (now - origin) % everyMs === 0
    if (tick) kept = true
    if (busyUntil >= 0 && now < busyUntil) continue
    if (busyUntil >= 0 && origin < 0) origin = now
    busyUntil = -1
    if (!kept) continue
    kept = false
    start(now)
    // A run without a duration ends before the next step.
    if (busyUntil === now) busyUntil = -1
  }
  return { starts, endedAt: Math.max(abortAt, busyUntil) }
}

/** A clock whose timers fire late by varying times. */
function lateClock(inner: VirtualClock, late: readonly number[]): Clock {
  let count = 0
  const later = (at: number): number => at + late[count++ % late.length]!
  const lateTimer = (timer: Timer): Timer => ({
    clear: () => timer.clear(),
    restartAt: (at) => timer.restartAt(later(at)),
  })
  return {
    now: () => inner.now(),
    elapsed: () => inner.elapsed(),
    random: () => inner.random(),
    setTimeout: (callback, ms) => inner.setTimeout(callback, later(ms)),
    setTimeoutAt: (callback, at) => lateTimer(inner.setTimeoutAt(callback, later(at))),
  }
}

describe('repeat with late timers', () => {
  const lateness = fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 1, maxLength: 8 })

  it('never runs early, concurrently or more often than scheduled, and stays on its schedule', async () => {
    await fc.assert(
      fc.asyncProperty(scenario, lateness, async ({ everyMs, lengths, abortAt }, late) => {
        const clock = new VirtualClock({ auto: true })
        const stop = new AbortController()
        clock.setTimeout(() => stop.abort(), abortAt)
        const runs: { from: number; to: number }[] = []
        const job = async (): Promise<void> => {
          const run = { from: clock.elapsed(), to: Infinity }
          runs.push(run)
          await wait(lengthOf(runs.length, lengths))
          run.to = clock.elapsed()
        }
        await runAllWorkers([repeat(everyMs, job)], stop.signal, { clock: lateClock(clock, late) })
        const grid = (at: number): number => Math.floor(at / everyMs)
        const most = Math.max(...late)
        for (const [at, { from }] of runs.entries()) {
          const before = runs[at - 1]
          expect(from).toBeLessThan(abortAt)
          // Each run has a scheduled start of its own.
          expect(grid(from)).toBeGreaterThanOrEqual(at + 1)
          if (before === undefined) continue
          expect(from).toBeGreaterThanOrEqual(before.to)
          const due = Math.max(before.to, (grid(before.from) + 1) * everyMs)
          expect(from).toBeLessThanOrEqual(due + most)
        }
      }),
      { numRuns: 500 },
    )
  })
})
