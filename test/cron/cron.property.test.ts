import fc from 'fast-check'
import { currentRun, runAllWorkers, wait } from 'runutil'
import { type CronOptions, cron } from 'runutil/cron'
import { VirtualClock } from 'runutil/testing'
import { describe, expect, test } from 'vitest'
import { capturedLogger } from '../support/logs.ts'

const MINUTE = 60_000
const NOON = Date.UTC(2026, 0, 1, 12)

type Step = { readonly pass: number } | { readonly jump: number }

interface Program {
  readonly every: number
  readonly missed: NonNullable<CronOptions['missed']>
  readonly toleranceMs: number
  readonly lengths: readonly number[]
  readonly steps: readonly Step[]
}

const pass = fc.record({ pass: fc.integer({ min: 0, max: 15 * MINUTE }) })
const jump = (min: number): fc.Arbitrary<Step> => fc.record({ jump: fc.integer({ min, max: 90 * MINUTE }) })

const programs = (furthestBack: number): fc.Arbitrary<Program> =>
  fc.record({
    every: fc.constantFrom(1, 2, 5, 10, 30),
    missed: fc.constantFrom('once', 'skip', 'all'),
    toleranceMs: fc.integer({ min: 0, max: 10 * MINUTE }),
    lengths: fc.array(fc.integer({ min: 0, max: 12 * MINUTE }), { minLength: 1, maxLength: 5 }),
    steps: fc.array(fc.oneof(pass, jump(furthestBack)), { minLength: 1, maxLength: 12 }),
  })

interface Ran {
  readonly at: number
  readonly for: number
  readonly missed: number
}

/** Suspends the machine and sets its clock as the program says, and then waits long enough for the last runs. */
async function ranBy({
  every,
  missed,
  toleranceMs,
  lengths,
  steps,
}: Program): Promise<{ ran: Ran[]; last: number }> {
  const clock = new VirtualClock({ now: NOON })
  const stop = new AbortController()
  const ran: Ran[] = []
  const job = async (): Promise<void> => {
    const { scheduledFor, missed: count } = currentRun()!
    const length = lengths[ran.length % lengths.length]!
    ran.push({ at: clock.now(), for: scheduledFor.getTime(), missed: count })
    if (length > 0) await wait(length)
  }
  const worker = cron(`*/${every} * * * *`, job, { missed, tolerance: toleranceMs })
  const { logger } = capturedLogger()
  const run = runAllWorkers([worker], stop.signal, { clock, logger })
  for (const step of steps) {
    if ('pass' in step) await clock.advance(step.pass)
    else clock.set(clock.now() + step.jump)
  }
  await clock.advance('1h')
  stop.abort()
  await clock.advance('1h')
  await run
  expect(clock.pending).toBe(0)
  return { ran, last: ran.at(-1)?.for ?? NOON }
}

const runs = Number(process.env.CRON_RUNS ?? 30)

describe('with any suspensions and clock changes', () => {
  test('instants increase, match the pattern, and none runs early', async () => {
    await fc.assert(
      fc.asyncProperty(programs(-90 * MINUTE), async (program) => {
        const { ran } = await ranBy(program)
        ran.forEach((one, at) => {
          expect(one.for).toBeGreaterThan(ran[at - 1]?.for ?? -Infinity)
          expect((one.for / MINUTE) % program.every).toBe(0)
          expect(one.at).toBeGreaterThanOrEqual(one.for)
          if (program.missed === 'skip') expect(one.at - one.for).toBeLessThanOrEqual(program.toleranceMs)
        })
      }),
      { numRuns: runs, endOnFailure: true },
    )
  })

  test('each instant either runs or is counted as missed, once, by the policy of the cron', async () => {
    await fc.assert(
      fc.asyncProperty(programs(0), async (program) => {
        const { ran, last } = await ranBy(program)
        const between = (from: number, to: number): number =>
          Math.floor(to / MINUTE / program.every) - Math.floor(from / MINUTE / program.every)
        ran.forEach((one, at) => {
          const before = ran[at - 1]?.for ?? NOON
          // Each run counts the instants missed since the previous one. With `all`, the count may come with a later run.
          if (program.missed !== 'all') expect(one.missed).toBe(between(before, one.for) - 1)
          if (program.missed === 'once') expect(between(one.for, one.at)).toBe(0)
        })
        const missed = ran.reduce((sum, one) => sum + one.missed, 0)
        if (program.missed === 'all') expect(missed + ran.length).toBe(between(NOON, last))
      }),
      { numRuns: runs, endOnFailure: true },
    )
  })
})
