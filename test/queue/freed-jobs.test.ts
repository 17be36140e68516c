import { type JobStore, MemoryJobStore, type NewJob, type QueryStatus } from 'runutil/queue'
import { VirtualClock } from 'runutil/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseQuery } from '../../packages/runutil/src/queue/parse-query.ts'
import {
  again,
  claimOnly,
  done,
  expire,
  failed,
  idsOf,
  later,
  limitTo,
  newJob,
  rules,
  series,
} from '../../packages/runutil/src/testing/job-store-case.ts'
import { type JobStoreMaker, kindsOfJobStore } from '../support/queue/job-stores.ts'

interface Side {
  readonly store: JobStore
  readonly clock: VirtualClock
}
type Step = (side: Side) => Promise<unknown>

const MANY = 250
const NAMES = series('n', MANY)
const STATUSES = ['WAITING', 'BLOCKED', 'RUNNING', 'FAILED', 'DONE'] as const
const LARGE = JSON.stringify('x'.repeat(1_000))

const afterRoot = (id: string): NewJob => newJob({ id, after: { ids: ['root'], on: 'done' } })
const named = (...at: number[]): string[] => at.map((n) => `n${n}`)

/** @param change of the nth job */
async function free(
  { store }: Side,
  change: (nth: number) => Partial<NewJob> = () => ({}),
  count = MANY,
): Promise<void> {
  await store.insert([
    newJob({ id: 'root' }),
    ...series('n', count).map((id, at) => ({ ...afterRoot(id), ...change(at) })),
  ])
  expect(await store.settle([done(await claimOnly(store, 'root'))])).toEqual([])
}

const take = async (store: JobStore, limit: number): Promise<string[]> =>
  idsOf(await store.claim(['a', 'b'], limit, '1h'))

async function page(store: JobStore, status: QueryStatus, limit: number): Promise<string[][]> {
  const pages: string[][] = []
  let after: string | undefined
  do {
    const query = parseQuery(
      status === 'DONE' ? { status, endedAt: { gte: new Date(0) } } : { status },
      'list',
    )
    const found = await store.list(query, { limit, after })
    pages.push(idsOf(found.jobs))
    after = found.next
  } while (after !== undefined)
  return pages.filter(({ length }) => length > 0)
}

/** All that can be seen of a store, then claims until nothing is left. */
async function seen({ store, clock }: Side): Promise<unknown> {
  const lists: Record<string, string[]> = {}
  // Jobs that ended at one time are in no order that is the same everywhere.
  for (const status of STATUSES) lists[status] = (await page(store, status, 70)).flat()
  for (const ended of ['FAILED', 'DONE']) lists[ended]!.sort()
  const stats = await store.stats()
  const some = await Promise.all(named(1, 77, 101, 250).map((id) => store.get(id)))
  const claims: string[][] = []
  for (let round = 0; round < 20; round++) claims.push(await take(store, [130, 7, 1][round % 3]!))
  await clock.advance('1min')
  claims.push(await take(store, 1_000))
  return { lists, stats, some, counts: await store.counts(), claims }
}

const steps: Record<string, Step> = {
  nothing: async () => {},
  'a claim of one': ({ store }) => take(store, 1),
  'a claim of 99': ({ store }) => take(store, 99),
  'a claim of 101': ({ store }) => take(store, 101),
  'a claim of all': ({ store }) => take(store, 1_000),
  'pages of waiting jobs': ({ store }) => page(store, 'WAITING', 33),
  'cancelling one': ({ store }) => store.cancel('n150'),
  'cancelling some of which some run': async ({ store }) => {
    await take(store, 120)
    return store.cancelJobs(named(1, 119, 120, 121, 122, 249, 250))
  },
  'cancelling those that wait': async ({ store }) => {
    await take(store, 130)
    return store.cancelJobs(NAMES, { onlyWaiting: true })
  },
  'deleting some': ({ store }) => store.deleteJobs(named(1, 2, 100, 101, 250)),
  'deleting the one that they ran after': ({ store }) => store.deleteJobs(['root']),
  'retrying some that were cancelled': async ({ store, clock }) => {
    await store.cancelJobs(named(3, 130))
    await clock.advance(5)
    return idsOf(await store.retryJobs([{ id: 'n3' }, { id: 'n130', payload: '7' }])).sort()
  },
  'putting some off': async ({ store }) => [
    await store.reschedule('n150', { delayMs: 5_000 }),
    await store.reschedule('n2', { priority: 3 }),
    await store.reschedule('n201', { payload: '"other"' }),
  ],
  'retrying one now': ({ store }) => store.retryNow('n111'),
  'replacing some': ({ store, clock }) =>
    store.insert(
      [newJob({ id: 'n5', payload: '"new"' }), newJob({ id: 'n205', runAt: later(clock, 5_000) })],
      { onExists: 'replace' },
    ),
  'a pause': async ({ store }) => {
    await store.pause('a')
    const meanwhile = await take(store, 100)
    await store.resume('a')
    return meanwhile
  },
  'a limit that is set later': async (side) => {
    await limitTo(side.store, { concurrency: 120 })
    return [await take(side.store, 7), await take(side.store, 1_000)]
  },
  'a limit by key that is set later': async ({ store }) => {
    await limitTo(store, { keyConcurrency: 1 })
    return take(store, 130)
  },
  'a rate that is set later': async ({ store, clock }) => {
    await limitTo(store, { rate: { limit: 110, perMs: 1_000 } })
    const first = await take(store, 1_000)
    await clock.advance(1_000)
    return [first, await take(store, 50)]
  },
  'attempts that fail, are repeated and are given back': async ({ store, clock }) => {
    const jobs = await store.claim(['a'], 150, '1h')
    await clock.advance(5)
    await store.release(jobs.slice(0, 10))
    return [
      await store.settle([
        ...jobs.slice(10, 20).map((job) => again(job)),
        ...jobs.slice(20, 30).map((job) => failed(job)),
      ]),
      await store.settle(jobs.slice(30, 110).map((job) => done(job, '1'))),
    ]
  },
  'a lost lease': async (side) => {
    const jobs = await side.store.claim(['a'], 130, 30_000)
    await expire(side)
    return [
      idsOf(await side.store.renew(jobs.slice(0, 20), '1h')),
      idsOf(await side.store.settle(jobs.slice(10, 30).map((job) => done(job)))),
    ]
  },
  'their ends, and those of jobs after them': async ({ store }) => {
    await store.insert(
      NAMES.map((id) => newJob({ id: `after ${id}`, kind: 'b', after: { ids: [id], on: 'end' } })),
    )
    const jobs = await store.claim(['a'], 220, '1h')
    await store.settle(jobs.slice(0, 20).map((job) => failed(job)))
    return store.settle(jobs.slice(20).map((job) => done(job)))
  },
  retention: async ({ store, clock }) => {
    await store.setRules('w', new Map([['a', rules({}, { doneMs: 1_000, failedMs: 1_000 })]]))
    await store.settle((await store.claim(['a'], 249, '1h')).map((job) => done(job)))
    await clock.advance(50_000)
    while (await store.pruneByRules());
    const before = (await store.get('root'))?.status
    await store.settle((await store.claim(['a'], 249, '1h')).map((job) => done(job)))
    await clock.advance(50_000)
    while (await store.pruneByRules());
    return [before, (await store.get('root'))?.status]
  },
}

describe.each(kindsOfJobStore)('jobs that one end frees together, in $name', ({ open }) => {
  let stores: JobStoreMaker
  beforeAll(async () => void (stores = await open()))
  afterAll(() => stores?.close())

  /** What becomes of them here and in memory. */
  async function compare(step: Step, change?: (nth: number) => Partial<NewJob>): Promise<void> {
    const all: unknown[] = []
    for (const fresh of [async (clock: VirtualClock) => new MemoryJobStore({ clock }), stores.fresh]) {
      const clock = new VirtualClock()
      const side: Side = { store: await fresh(clock), clock }
      await free(side, change)
      all.push({ came: (await step(side)) ?? null, seen: await seen(side) })
    }
    expect(all[1]).toEqual(all[0])
  }

  it.each(Object.keys(steps))('behave as each by itself: %s', (name) => compare(steps[name]!))

  it.each<[string, (nth: number) => Partial<NewJob>]>([
    ['a large payload', (nth) => (nth === 120 ? { payload: LARGE } : {})],
    ['a key', (nth) => (nth % 125 === 110 ? { key: 'k' } : {})],
    ['a priority', (nth) => (nth % 2 === 0 ? { priority: 1 } : {})],
    ['a delay', (nth) => (nth % 2 === 0 ? { delayMs: 5_000 } : {})],
    ['another kind', (nth) => (nth % 2 === 0 ? { kind: 'b' } : {})],
    [
      'a unique key until it starts',
      (nth) => (nth === 105 ? { unique: { key: 'u', until: 'started' } } : {}),
    ],
    ['a unique key until it ends', (nth) => ({ unique: { key: `u${nth}`, until: 'ended' } })],
  ])('keep their order where some have %s', async (_, change) => {
    await compare(async () => {}, change)
    await compare(({ store }) => take(store, 101), change)
  })

  it('are claimed, ended and removed in their order, also 10,000 after one job', async () => {
    const clock = new VirtualClock()
    const store = await stores.fresh(clock)
    await free({ store, clock }, undefined, 10_000)
    const got: string[] = []
    while (got.length < 10_000) {
      const jobs = await store.claim(['a'], 997, '1h')
      got.push(...idsOf(jobs))
      expect(await store.settle(jobs.map((job) => done(job)))).toEqual([])
      expect(jobs.length).toBeGreaterThan(0)
    }
    expect(got).toEqual(series('n', 10_000))
    await clock.advance(1)
    while ((await store.prune(0, 1_000)) > 0);
    expect(await store.counts()).toEqual({})
  })
})
