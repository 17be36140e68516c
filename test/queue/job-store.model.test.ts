import fc from 'fast-check'
import type { ResolvedLimits } from 'runutil/queue'
import { VirtualClock } from 'runutil/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { commands, same, sayRules } from '../support/queue/job-store-commands.ts'
import { JobStoreModel } from '../support/queue/job-store-model.ts'
import { type JobStoreMaker, kindsOfJobStore } from '../support/queue/job-stores.ts'

const RUNS: Record<string, number> = { memory: 300, PGlite: 8, PostgreSQL: 15 }

/** Of kind 'b', and from the start: what earlier starts count for a rate that comes later is left to the store. */
const rate = fc.option(
  fc.record({ limit: fc.integer({ min: 1, max: 3 }), perMs: fc.constantFrom(1_000, 5_000) }),
  {
    nil: undefined,
  },
)

describe.each(kindsOfJobStore)('a JobStore in $name', ({ name, open }) => {
  let stores: JobStoreMaker
  beforeAll(async () => void (stores = await open()))
  afterAll(() => stores?.close())

  it('does what the model does, whatever comes in whatever order', async () => {
    const behaves = fc.asyncProperty(rate, commands, async (rateOfB, todo) => {
      const clock = new VirtualClock()
      const store = await stores.fresh(clock)
      const model = new JobStoreModel(clock.now())
      const limits: ResolvedLimits = { concurrency: undefined, keyConcurrency: undefined, rate: rateOfB }
      model.limits.set('b', limits)
      await sayRules(store, model)
      await fc.asyncModelRun(() => ({ model, real: { store, clock } }), todo)
      await same(
        model,
        store,
        [...model.jobs.values()].filter((_, at) => at % 10 < 2),
      )
      expect(await store.counts()).toEqual(model.counts())
    })
    await fc.assert(behaves, { numRuns: RUNS[name]!, interruptAfterTimeLimit: 20_000 })
  })
})
