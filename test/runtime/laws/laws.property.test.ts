import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { numRuns, seed } from '../../support/property-runs.ts'
import { limitsRestarts } from './limits.ts'
import { runsOneAtATime } from './one-at-a-time.ts'
import { keepsOrder } from './order.ts'
import { play } from './play.ts'
import { type Program, program } from './program.ts'
import { answersFailures, touchesItsOwn } from './restarts.ts'
import { shutsDownInTime } from './shutdown.ts'
import type { Law, Trace } from './trace.ts'

const LAWS: Record<string, Law> = {
  'a limit allows as many restarts as its intensity says, and gives up at the next': limitsRestarts,
  'a worker never runs twice at the same time': runsOneAtATime,
  'a worker starts after its dependencies are ready, and stops after its dependents': keepsOrder,
  'each signal aborts once and in time, the run ends in time, and nothing starts after the abort':
    shutsDownInTime,
  'a restart affects exactly the workers of its strategy': touchesItsOwn,
  'each failure is followed by a restart, or ends its group': answersFailures,
  'the events match the states and counts of the tree, and nothing is left afterwards': ({
    foldErrors,
    left,
  }) => [...foldErrors, ...left],
}

/** All laws check the same programs. If there are few, each runs once. */
const played = new Map<string, Promise<Trace>>()

function traceOf(given: Program): Promise<Trace> {
  if (numRuns > 1_000) return play(given)
  const key = fc.stringify(given)
  const trace = played.get(key) ?? play(given)
  played.set(key, trace)
  return trace
}

/** Ends a program that hangs. */
const timeout = 120_000 + 100 * numRuns

describe(`random programs of supervised workers (seed ${seed})`, () => {
  test.each(Object.entries(LAWS))('%s', { timeout }, async (_, law) => {
    const holds = fc.asyncProperty(program, async (given) => {
      expect(law(await traceOf(given))).toEqual([])
    })
    await fc.assert(holds, { numRuns, seed, endOnFailure: process.env.SHRINK === undefined })
  })
})
