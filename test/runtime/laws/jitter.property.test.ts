import fc from 'fast-check'
import { expect, test } from 'vitest'
import { currentRun, repeat, runAllWorkers, wait } from 'runutil'
import { VirtualClock } from 'runutil/testing'
import { numRuns, seed } from '../../support/property-runs.ts'
import { type Repeated, lengthOf } from '../../support/runtime/repeated.ts'

/** A jittered repeat, whose durations are fractions of the interval. */
interface Given extends Repeated {
  readonly jitter: number
  readonly seed: number
  /** By how much the time of day is changed halfway. */
  readonly setMs: number
}

const given = fc.record<Given>({
  everyMs: fc.integer({ min: 2, max: 5_000 }),
  jitter: fc.double({ min: 0, max: 0.99, noNaN: true }),
  startImmediately: fc.boolean(),
  lengths: fc.array(
    fc.oneof(
      { weight: 3, arbitrary: fc.double({ min: 0, max: 0.5, noNaN: true }) },
      { weight: 1, arbitrary: fc.double({ min: 0.5, max: 4, noNaN: true }) },
    ),
    { minLength: 1, maxLength: 6 },
  ),
  seed: fc.nat(),
  setMs: fc.constantFrom(0, 0, 3_600_000, -3_600_000),
})

interface Run {
  /** The time of the start by `elapsed()`. */
  at: number
  endedAt: number
  /** The number of the start in the schedule. */
  k: number
  missed: number
}

const STARTS = 40
const ROUNDING_MS = 0.01

test(`start k of a jittered repeat lies in [k·every, k·every + jitter), without drift (seed ${seed})`, async () => {
  const holds = fc.asyncProperty(given, async (one) => {
    const { runs, origin, firstAt } = await runsOf(one)
    if (one.startImmediately) expect(firstAt).toBeLessThanOrEqual(one.jitter * one.everyMs)
    const wrong = runs.flatMap((run, at) => judge(run, runs[at - 1], origin, one))
    expect(wrong).toEqual([])
    const last = runs.at(-1)!
    // Each start has run or was missed.
    expect(runs.length + runs.reduce((sum, { missed }) => sum + missed, 0)).toBe(last.k)
  })
  await fc.assert(holds, { numRuns, seed, endOnFailure: true })
})

/** A start falls into its part of the schedule, or directly follows a run that took longer than that. */
function judge(
  { at, k, missed }: Run,
  before: Run | undefined,
  origin: number,
  { everyMs, jitter }: Given,
): string[] {
  const from = origin + k * everyMs
  const to = from + jitter * everyMs
  const isInTime = at >= from - ROUNDING_MS && (at < to || at <= from + ROUNDING_MS)
  const isNext = before !== undefined && at <= before.endedAt + ROUNDING_MS && at > to
  const wrong = isInTime || isNext ? [] : [`start ${k} comes at ${at}, not in [${from}, ${to})`]
  if (k !== (before?.k ?? 0) + 1 + missed)
    wrong.push(`start ${k} comes after ${before?.k}, missed: ${missed}`)
  return wrong
}

async function runsOf({ everyMs, jitter, startImmediately, lengths, seed: random, setMs }: Given) {
  const clock = new VirtualClock({ seed: random })
  const stop = new AbortController()
  const runs: Run[] = []
  let origin = startImmediately ? undefined : 0
  let firstAt: number | undefined
  let count = 0
  // Dates refer to the time of day as it is currently set.
  const toElapsed = (date: Date): number => date.getTime() - (clock.now() - clock.elapsed())
  const job = async (): Promise<void> => {
    const { scheduledFor, missed } = currentRun()!
    const at = clock.elapsed()
    firstAt ??= at
    const k = origin === undefined ? 0 : Math.round((toElapsed(scheduledFor) - origin) / everyMs)
    await wait(lengthOf(count++, lengths) * everyMs)
    // The schedule begins when the first run has ended.
    if (origin === undefined) origin = clock.elapsed()
    else runs.push({ at, endedAt: clock.elapsed(), k, missed })
  }
  const options = { jitter: Math.floor(jitter * everyMs * 100) / 100, startImmediately }
  const run = runAllWorkers([repeat(everyMs, job, options)], stop.signal, { clock })
  await clock.advance((STARTS / 2) * everyMs)
  clock.set(clock.now() + setMs)
  await clock.advance((STARTS / 2) * everyMs)
  stop.abort()
  await clock.advance(10 * everyMs)
  await run
  return { runs, origin: origin!, firstAt: firstAt! }
}
