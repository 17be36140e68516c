import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { limitsRestarts } from './limits.ts'
import { runsOneAtATime } from './one-at-a-time.ts'
import { keepsOrder } from './order.ts'
import { play } from './play.ts'
import { type Program, program } from './program.ts'
import { answersFailures, touchesItsOwn } from './restarts.ts'
import { shutsDownInTime } from './shutdown.ts'
import type { Law, Trace } from './trace.ts'

const LAWS: Record<string, Law> = {
  'no more restarts than its intensity lets pass, and it gives up at the first too many': limitsRestarts,
  'never two runs of one worker at once': runsOneAtATime,
  'starts after those that it comes after are up, and is stopped after those that come after it': keepsOrder,
  'each abort comes once and in time, the run ends in time, and nothing starts after the abort':
    shutsDownInTime,
  'a restart touches those of its strategy, and nobody else': touchesItsOwn,
  'each failure is followed by a restart, or ends its group': answersFailures,
  'the events tell the states and counts of the tree, and nothing is left afterwards': ({
    foldErrors,
    left,
  }) => [...foldErrors, ...left],
}

/** More programs, or those of a failure once more: PROGRAMS=10000 SEED=7. */
const numRuns = Number(process.env.PROGRAMS ?? 500)
const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31)

/** All laws judge the same programs: as long as there are few, each is played once. */
const played = new Map<string, Promise<Trace>>()

function traceOf(given: Program): Promise<Trace> {
  if (numRuns > 1_000) return play(given)
  const key = fc.stringify(given)
  const trace = played.get(key) ?? play(given)
  played.set(key, trace)
  return trace
}

/** A limit for what hangs. */
const timeout = 120_000 + 100 * numRuns

describe(`random programs of supervised workers (seed ${seed})`, () => {
  test.each(Object.entries(LAWS))('%s', { timeout }, async (_, law) => {
    const holds = fc.asyncProperty(program, async (given) => {
      expect(law(await traceOf(given))).toEqual([])
    })
    await fc.assert(holds, { numRuns, seed, endOnFailure: process.env.SHRINK === undefined })
  })
})
