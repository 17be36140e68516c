import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import {
  type SchedulerRequest,
  type Candidate,
  choose,
} from '../../packages/runutil/src/coordinate/scheduler.ts'

const NOW = 1_000_000
const ANY: SchedulerRequest = { workSpecs: undefined, runtimes: undefined, availableGb: undefined, units: 10 }

function spec(given: Partial<Candidate> = {}): Candidate {
  return {
    name: 'a',
    priority: 0,
    weight: 20,
    paused: false,
    continuous: false,
    nextContinuous: 0,
    minMemoryGb: 0,
    maxRunning: 0,
    maxAttemptsReturned: 0,
    runtime: '',
    available: 1,
    pending: 0,
    ...given,
  }
}

describe('a spec', () => {
  const available = { available: 0 }
  test.each([
    ['is paused', { paused: true }, {}],
    ['has no weight', { weight: 0 }, {}],
    ['has a negative weight', { weight: -1 }, {}],
    ['is of a runtime not asked for', { runtime: 'go' }, { runtimes: ['node', ''] }],
    ['is not among the names asked for', {}, { workSpecs: ['b'] }],
    ['needs more memory than offered', { minMemoryGb: 2 }, { availableGb: 1.9 }],
    ['has as many running as it may', { maxRunning: 2, pending: 2 }, {}],
    ['has nothing available', available, {}],
    ['is continuous, but has one pending', { ...available, continuous: true, pending: 1 }, {}],
    [
      'is continuous, but its interval is not over',
      { ...available, continuous: true, nextContinuous: NOW + 1 },
      {},
    ],
  ])('that %s is left out', (_, given, asked) => {
    expect(choose([spec(given)], { ...ANY, ...asked }, NOW, 0)).toBeUndefined()
  })

  test.each([
    ['is of a runtime asked for', { runtime: 'node' }, { runtimes: ['node'] }],
    ['needs as much memory as offered', { minMemoryGb: 2 }, { availableGb: 2 }],
    ['needs memory, and none was named', { minMemoryGb: 2 }, {}],
    ['is continuous, and its interval over', { ...available, continuous: true, nextContinuous: NOW }, {}],
  ])('that %s is chosen', (_, given, asked) => {
    expect(choose([spec(given)], { ...ANY, ...asked }, NOW, 0.5)?.spec).toBe('a')
  })

  test.each([
    [{}, 10],
    [{ maxAttemptsReturned: 3 }, 3],
    [{ maxRunning: 7, pending: 2 }, 5],
    [{ maxRunning: 7, pending: 2, maxAttemptsReturned: 3 }, 3],
    [{ maxRunning: 70, maxAttemptsReturned: 30 }, 10],
  ])('with %j gives at most %i units', (given, units) => {
    expect(choose([spec(given)], ANY, NOW, 0)).toEqual({ spec: 'a', units })
  })
})

const candidate = fc.record({
  priority: fc.integer({ min: -1, max: 1 }),
  weight: fc.integer({ min: -1, max: 30 }),
  paused: fc.boolean(),
  available: fc.nat(3),
  pending: fc.nat(10),
  maxRunning: fc.nat(10),
})
const candidates = fc
  .array(candidate, { maxLength: 8 })
  .map((specs) => specs.map((given, at) => spec({ ...given, name: `${at}` })))
const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })

describe('the choice', () => {
  it('is one of the highest priority of those that are eligible, within its limits, and is made when it can be', () => {
    const holds = fc.property(candidates, random, (specs, at) => {
      const alone = specs.filter((each) => choose([each], ANY, NOW, 0) !== undefined)
      const choice = choose(specs, ANY, NOW, at)
      if (alone.length === 0) {
        expect(choice).toBeUndefined()
        return
      }
      const chosen = alone.find(({ name }) => name === choice!.spec)!
      expect(chosen.priority).toBe(Math.max(...alone.map(({ priority }) => priority)))
      if (chosen.maxRunning > 0) expect(chosen.pending + choice!.units).toBeLessThanOrEqual(chosen.maxRunning)
      expect(choice!.units).toBeGreaterThan(0)
    })
    fc.assert(holds, { numRuns: 20_000 })
  })

  it('comes to shares that follow the weights, whatever they are', () => {
    const weights = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 5 })
    const holds = fc.property(weights, fc.infiniteStream(random), (given, stream) => {
      const pending = given.map(() => 0)
      const total = given.reduce((sum, weight) => sum + weight, 0)
      for (let count = 0; count < 50 * total; count++) {
        const specs = given.map((weight, at) => spec({ name: `${at}`, weight, pending: pending[at]! }))
        const { spec: chosen } = choose(specs, { ...ANY, units: 1 }, NOW, stream.next().value as number)!
        pending[Number(chosen)]!++
      }
      // One that is ahead of its share has no chance, so none gets further from it than one unit.
      for (const [at, weight] of given.entries()) {
        expect(Math.abs(pending[at]! - 50 * weight)).toBeLessThanOrEqual(given.length)
      }
    })
    fc.assert(holds, { numRuns: 30 })
  })
})
