import fc from 'fast-check'
import {
  ErrInvalidJob,
  ErrJobExists,
  type JobStore,
  type LeasedJob,
  MemoryJobStore,
  type NewJob,
  type QueuedJob,
} from 'runutil/queue'
import { VirtualClock } from 'runutil/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { refuseCircle } from '../../packages/runutil/src/queue/dependencies.ts'
import { again, done, failed, newJob } from '../../packages/runutil/src/testing/job-store-case.ts'
import { type JobStoreMaker, kindsOfJobStore } from '../support/queue/job-stores.ts'

const LEASE_MS = 30_000
/** For more: PROGRAMS=10000. */
const RUNS: Record<string, number> = { memory: 200, PGlite: 8, PostgreSQL: 15 }
const { PROGRAMS } = process.env
const timeout = PROGRAMS === undefined ? 120_000 : 3_600_000
const IDS = ['a', 'b', 'c', 'd', 'e', 'f'] as const
const KINDS = ['x', 'y'] as const
const KEYS = ['k', 'l'] as const

const id = fc.constantFrom(...IDS)
const ids = fc.uniqueArray(id, { minLength: 1, maxLength: 3 })
const maybe = <T>(value: fc.Arbitrary<T>, freq: number): fc.Arbitrary<T | undefined> =>
  fc.option(value, { nil: undefined, freq })

const job = fc.record({
  id,
  kind: fc.constantFrom(...KINDS),
  payload: fc.constantFrom('1', '2'),
  priority: fc.constantFrom(0, 0, 1),
  delayMs: maybe(fc.constantFrom(1_000, 60_000), 1),
  unique: maybe(
    fc.record({
      key: fc.constantFrom(...KEYS),
      until: fc.constantFrom('started' as const, 'ended' as const),
    }),
    1,
  ),
  after: maybe(fc.record({ ids, on: fc.constantFrom('done' as const, 'done' as const, 'end' as const) }), 2),
})

/** Each job of a graph runs after some of those before it: without it, few of the random jobs could be stored. */
const graph = fc
  .tuple(...IDS.map((_, at) => fc.tuple(job, fc.subarray(IDS.slice(0, at)), fc.constantFrom('done', 'end'))))
  .map((nodes) => ({
    do: 'insert' as const,
    jobs: nodes.map(([one, before, on], at) => ({
      ...one,
      id: IDS[at]!,
      unique: at % 3 === 0 ? one.unique : undefined,
      after: before.length === 0 ? undefined : { ids: before, on: on },
    })),
    onExists: 'skip' as const,
    maxDelayMs: undefined,
  }))

const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('insert' as const),
      jobs: fc.array(job, { minLength: 1, maxLength: 4 }),
      onExists: fc.constantFrom('fail' as const, 'skip' as const, 'replace' as const),
      maxDelayMs: maybe(fc.constant(5_000), 1),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('claim' as const), limit: fc.integer({ min: 1, max: 3 }) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('settle' as const),
      at: fc.nat(),
      count: fc.integer({ min: 1, max: 3 }),
      as: fc.constantFrom('done' as const, 'done' as const, 'failed' as const, 'again' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('cancel' as const), id }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('retry' as const), ids }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('delete' as const), ids }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('retryNow' as const), id }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('prune' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('reschedule' as const),
      id,
      delayMs: fc.constantFrom(0, 10_000),
      priority: maybe(fc.constantFrom(2, -1), 1),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constantFrom('pause' as const, 'resume' as const),
      kind: fc.constantFrom(...KINDS),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('advance' as const),
      ms: fc.constantFrom(500, 5_000, LEASE_MS + 1),
    }),
  },
)
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never
const program = fc
  .tuple(fc.option(graph, { nil: undefined, freq: 3 }), fc.array(step, { minLength: 5, maxLength: 30 }))
  .map(([first, steps]): Step[] => (first === undefined ? steps : [first, ...steps]))

/** One store and what is held of it, by the order of the claims. */
interface Side {
  readonly store: JobStore
  readonly held: LeasedJob[]
}

/** Does a step. @returns what it came to, the same for every store */
async function perform({ store, held }: Side, todo: Step): Promise<unknown> {
  switch (todo.do) {
    case 'insert': {
      const jobs = todo.jobs.map((given): NewJob => newJob(given))
      refuseCircle(jobs)
      const { onExists, maxDelayMs } = todo
      return store.insert(jobs, { onExists, maxDelayMs })
    }
    case 'claim': {
      const jobs = await store.claim(KINDS, todo.limit, LEASE_MS)
      held.push(...jobs)
      return jobs.map((one) => [one.id, one.attempt, one.crashes, one.runAt])
    }
    case 'settle': {
      const some = held.splice(todo.at % (held.length + 1), todo.count)
      const settlements = some.map((one) =>
        todo.as === 'done'
          ? done(one, '"it"')
          : todo.as === 'failed'
            ? failed(one)
            : again(one, { delayMs: 1_000 }),
      )
      return (await store.settle(settlements)).map((one) => one.id)
    }
    case 'cancel':
      return store.cancel(todo.id)
    case 'retry':
      return (await store.retryJobs(todo.ids.map((one) => ({ id: one })))).map((one) => one.id).sort()
    case 'delete':
      return store.deleteJobs(todo.ids)
    case 'retryNow':
      return store.retryNow(todo.id)
    case 'prune':
      return store.prune(0, 100)
    case 'reschedule':
      return store.reschedule(todo.id, { delayMs: todo.delayMs, priority: todo.priority })
    case 'pause':
      return store.pause(todo.kind)
    case 'resume':
      return store.resume(todo.kind)
    case 'advance':
      return undefined
    default:
      return todo satisfies never
  }
}

/** What a step came to, or the error that it was refused with. */
async function outcomeOf(side: Side, todo: Step): Promise<unknown> {
  try {
    return (await perform(side, todo)) ?? null
  } catch (error) {
    if (error instanceof ErrJobExists) return { exists: [...new Set(error.ids)].sort() }
    if (error instanceof ErrInvalidJob) return { invalid: error.message }
    throw error
  }
}

/** Which of several that failed in one call is named as the first isn't the same everywhere. */
async function seen({ store }: Side, id: string): Promise<QueuedJob | undefined> {
  const job = await store.get(id)
  const lastError = job?.lastError?.replace(/^dependency . failed$/, 'dependency failed')
  return job === undefined ? undefined : { ...job, ...(lastError !== undefined && { lastError }) }
}

function openJobs(jobs: readonly (QueuedJob | undefined)[]): QueuedJob[] {
  return jobs.filter((one) => one !== undefined)
}

/** What holds of every store. @param claimed what was just claimed */
async function checkRules({ store }: Side, claimed: readonly string[]): Promise<void> {
  const jobs = openJobs(await Promise.all(IDS.map((one) => store.get(one))))
  const byId = new Map(jobs.map((one) => [one.id, one]))
  for (const one of claimed) {
    // Its dependencies were there and had ended, or it would have been blocked.
    expect(byId.get(one)?.waitsFor).toBeUndefined()
  }
  for (const one of jobs) {
    for (const other of one.waitsFor ?? []) expect(byId.get(other)?.status).toBe('PENDING')
    if (one.lastError?.startsWith('dependency ') === true) expect(one.status).toBe('FAILED')
  }
}

describe.each(kindsOfJobStore)('jobs that have to do with others, in $name', ({ name, open }) => {
  let stores: JobStoreMaker
  beforeAll(async () => void (stores = await open()))
  afterAll(() => stores?.close())

  it('do what they do in memory, whatever comes in whatever order', { timeout }, async () => {
    const behaves = fc.asyncProperty(program, async (todo) => {
      const clock = new VirtualClock()
      const model: Side = { store: new MemoryJobStore({ clock }), held: [] }
      const real: Side = { store: await stores.fresh(clock), held: [] }
      for (const one of todo) {
        const expected = await outcomeOf(model, one)
        const heldBefore = real.held.length
        expect(await outcomeOf(real, one), JSON.stringify(one)).toEqual(expected)
        if (one.do === 'advance') await clock.advance(one.ms)
        await checkRules(real, one.do === 'claim' ? real.held.slice(heldBefore).map((held) => held.id) : [])
        for (const each of IDS) expect(await seen(real, each)).toEqual(await seen(model, each))
      }
      expect(await real.store.counts()).toEqual(await model.store.counts())
    })
    const numRuns = PROGRAMS === undefined ? RUNS[name]! : Number(PROGRAMS)
    const limit = PROGRAMS === undefined ? { interruptAfterTimeLimit: 20_000 } : {}
    await fc.assert(behaves, { numRuns, ...limit })
  })
})
