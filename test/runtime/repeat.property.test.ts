import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { repeat, wait } from 'runutil'
import { VirtualClock } from 'runutil/testing'
import { runAllWorkers } from 'runutil'

interface Scenario {
  every: number
  /** How long each run takes, in turn and over again. */
  lengths: number[]
  startImmediately: boolean
  abortAt: number
}

const scenario = fc.record<Scenario>({
  every: fc.integer({ min: 1, max: 20 }),
  lengths: fc.array(fc.integer({ min: 0, max: 60 }), { minLength: 1, maxLength: 8 }),
  startImmediately: fc.boolean(),
  // Never at the moment of a start.
  abortAt: fc.integer({ min: 0, max: 300 }).map((at) => at + 0.5),
})

describe('repeat against a ticker with a buffer of one', () => {
  it('starts its runs at the same moments, and ends with the last of them', async () => {
    await fc.assert(
      fc.asyncProperty(scenario, async (given) => {
        expect(await runScenario(given)).toEqual(model(given))
      }),
      { numRuns: 3_000 },
    )
  })
})

async function runScenario({ every, lengths, startImmediately, abortAt }: Scenario) {
  const clock = new VirtualClock({ auto: true })
  const controller = new AbortController()
  clock.setTimeout(() => controller.abort(), abortAt)
  const starts: number[] = []
  const job = async (): Promise<void> => {
    const length = lengths[starts.length % lengths.length]!
    starts.push(clock.elapsed())
    if (length > 0) await wait(length)
  }
  await runAllWorkers([repeat(every, job, { startImmediately })], controller.signal, { clock })
  return { starts, endedAt: clock.elapsed() }
}

/** Moment by moment: ticks first, then ends of runs; a tick that comes while a run is on is kept, a second is not. */
function model({ every, lengths, startImmediately, abortAt }: Scenario) {
  const starts: number[] = []
  let busyUntil = -1
  let kept = false
  let origin = startImmediately ? -1 : 0
  const start = (now: number): void => {
    busyUntil = now + lengths[starts.length % lengths.length]!
    starts.push(now)
  }
  if (startImmediately) start(0)
  for (let now = 0; now < abortAt; now++) {
    const tick = origin >= 0 && now > origin && (now - origin) % every === 0
    if (tick) kept = true
    if (busyUntil >= 0 && now < busyUntil) continue
    if (busyUntil >= 0 && origin < 0) origin = now
    busyUntil = -1
    if (!kept) continue
    kept = false
    start(now)
    // A run of no length has ended before the next moment.
    if (busyUntil === now) busyUntil = -1
  }
  return { starts, endedAt: Math.max(abortAt, busyUntil) }
}
