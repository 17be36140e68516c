import assert from 'node:assert/strict'
import type { HistogramCounts } from '../core/histogram.ts'
import { Histogram } from '../core/histogram.ts'
import type { KindMinute } from '../queue/job-minutes.ts'
import type { KindStats } from '../queue/kind-stats.ts'
import {
  type JobStoreCases,
  type JobStoreContext,
  again,
  claim,
  done,
  expire,
  failed,
  later,
  limitTo,
  put,
  rules,
  series,
  settlement,
} from './job-store-case.ts'

const MINUTE_MS = 60_000

/** What `stats` reports of all kinds. */
export const statsCases: JobStoreCases = {
  'stats: none of an empty store, nor of a kind whose jobs are all DONE': async ({ store }) => {
    assert.deepEqual(await store.stats(), [])
    await put(store, '1')
    await store.settle((await claim(store)).map((job) => done(job)))
    assert.deepEqual(await store.stats(), [])
  },

  'stats: waiting, due, running and failed jobs of each kind, in the order of the kinds': async ({
    store,
    clock,
  }) => {
    await put(store, ...series('', 6), { id: 'later', runAt: later(clock, 1_000) }, { id: 'b', kind: 'b' })
    const [one, two, three, four] = await claim(store, { limit: 5 })
    await store.settle([done(one!), failed(two!), settlement(three!, { status: 'PANIC', lastError: 'x' })])
    await store.settle([again(four!, { delayMs: 1_000 })])
    const [a, b, ...others] = (await store.stats()).map(countsOf)
    assert.deepEqual(a, { kind: 'a', waiting: 3, blocked: 0, due: 1, running: 1, failed: 2 })
    assert.deepEqual(b, { kind: 'b', waiting: 1, blocked: 0, due: 1, running: 0, failed: 0 })
    assert.deepEqual(others, [])
    await clock.advance(1_000)
    const [now] = await store.stats()
    assert.deepEqual(countsOf(now!), { kind: 'a', waiting: 3, blocked: 0, due: 3, running: 1, failed: 2 })
  },

  'stats: jobs that were enqueued together by the hundred, and the claimed ones of them': async ({
    store,
  }) => {
    await put(store, ...series('', 250))
    const jobs = await claim(store, { limit: 120 })
    await store.cancel('200')
    await store.settle(jobs.slice(0, 20).map((job) => done(job)))
    await store.settle(jobs.slice(20, 25).map((job) => again(job, { delayMs: 1_000 })))
    await store.release(jobs.slice(25, 30))
    const [a] = await store.stats()
    assert.deepEqual(countsOf(a!), { kind: 'a', waiting: 139, blocked: 0, due: 134, running: 90, failed: 1 })
  },

  'stats: a cancelled job has failed, a removed one is gone, a freed one waits': async (context) => {
    const { store, clock } = context
    await put(store, ...series('', 4))
    await claim(store, { limit: 2 })
    await store.cancel('1')
    await store.cancel('3')
    await expire(context)
    assert.deepEqual(countsOf((await store.stats())[0]!), {
      kind: 'a',
      waiting: 2,
      blocked: 0,
      due: 2,
      running: 0,
      failed: 2,
    })
    await clock.advance('1h')
    await store.prune('1m', 10)
    assert.equal((await store.stats())[0]!.failed, 0)
  },

  'stats: no count is more than 10,001': async ({ store, clock }) => {
    const jobs = series('', 11_000)
    await put(store, ...jobs)
    await put(store, ...jobs.slice(0, 10).map((id) => ({ id: `later ${id}`, runAt: later(clock, 1_000) })))
    const [a] = await store.stats()
    assert.deepEqual([a!.waiting, a!.due, a!.running], [10_001, 10_001, 0])
    assert.deepEqual(a!.oldestDueAt, new Date(clock.now()))
  },

  'stats: the runAt of the job that has been due for longest, whatever its priority': async ({
    store,
    clock,
  }) => {
    await put(store, { id: 'later', runAt: later(clock, 60_000) })
    assert.equal((await store.stats())[0]!.oldestDueAt, undefined)
    const first = new Date(clock.now())
    await put(store, { id: 'low', priority: -1 })
    await clock.advance(1_000)
    await put(store, { id: 'high', priority: 1 }, 'middle')
    assert.deepEqual((await store.stats())[0]!.oldestDueAt, first)
    await store.cancel('low')
    assert.deepEqual((await store.stats())[0]!.oldestDueAt, new Date(clock.now()))
    for (const id of ['high', 'middle']) await store.cancel(id)
    await clock.advance(60_000)
    assert.deepEqual((await store.stats())[0]!.oldestDueAt, new Date(clock.now() - 1_000))
  },

  'stats: paused kinds, also those without jobs': async ({ store }) => {
    await put(store, '1')
    await store.pause('b')
    await store.pause('a')
    const stats = await store.stats()
    assert.deepEqual(
      stats.map(({ kind, paused, due }) => [kind, paused, due]),
      [
        ['a', true, 1],
        ['b', true, 0],
      ],
    )
    await store.resume('a')
    await store.resume('b')
    assert.deepEqual(
      (await store.stats()).map(({ kind, paused }) => [kind, paused]),
      [['a', false]],
    )
  },

  'stats: the limits of all live workers together, also of kinds without jobs': async ({ store, clock }) => {
    const rate = (limit: number, perMs: number) => ({ rate: { limit, perMs } })
    await store.setRules(
      'one',
      new Map([
        ['a', rules({ concurrency: 5, ...rate(10, 1_000) })],
        ['free', rules()],
      ]),
    )
    await store.setRules('two', new Map([['a', rules({ concurrency: 3, ...rate(7, 1_000) })]]))
    await store.setRules('three', new Map([['a', rules({ keyConcurrency: 2, ...rate(1, 10) })]]))
    const [a, ...others] = await store.stats()
    const rates = [
      { limit: 1, perMs: 10 },
      { limit: 7, perMs: 1_000 },
    ]
    assert.deepEqual(a!.limits, { concurrency: 3, keyConcurrency: 2, rates })
    assert.deepEqual(others, [])
    await clock.advance(60_000)
    await limitTo(store, { concurrency: 4 }, 'b')
    await clock.advance(60_000)
    assert.deepEqual(
      (await store.stats()).map(({ kind, limits }) => [kind, limits]),
      [['b', { concurrency: 4, rates: [] }]],
    )
  },

  'stats: 60 minutes, oldest first, to which processes add': async (context) => {
    const { store, clock } = context
    await toMinute(context)
    await store.addMinutes([minute({ done: 1 }), minute({ kind: 'b', failed: 2 })])
    await store.addMinutes([minute({ done: 2, retried: 3 }), minute({ agoMs: 5 * MINUTE_MS, failed: 4 })])
    const [a, b] = await store.stats()
    assert.equal(a!.perMinute.length, 60)
    const at = new Date(clock.now())
    assert.deepEqual(a!.perMinute.at(-1), { at, done: 3, failed: 0, retried: 3 })
    const before = new Date(clock.now() - 5 * MINUTE_MS)
    assert.deepEqual(a!.perMinute.at(-6), { at: before, done: 0, failed: 4, retried: 0 })
    const first = new Date(clock.now() - 59 * MINUTE_MS)
    assert.deepEqual(a!.perMinute[0], { at: first, done: 0, failed: 0, retried: 0 })
    assert.deepEqual(b!.perMinute.at(-1), { at, done: 0, failed: 2, retried: 0 })
  },

  'stats: a minute is among them for an hour, and counts from its middle': async (context) => {
    const { store, clock } = context
    await toMinute(context)
    await clock.advance(29_999)
    await store.addMinutes([minute({ agoMs: 30_000, done: 1 }), minute({ agoMs: 29_999, done: 2 })])
    const [a] = await store.stats()
    assert.deepEqual(
      a!.perMinute.slice(-2).map(({ done }) => done),
      [1, 2],
    )
    await clock.advance(59 * MINUTE_MS)
    assert.equal((await store.stats())[0]!.perMinute[0]!.done, 2)
    await clock.advance(MINUTE_MS)
    assert.deepEqual(await store.stats(), [])
  },

  'stats: percentiles of the hour, of all that processes have added, within 2.2 %': async ({
    store,
    clock,
  }) => {
    const some = minute({ done: 90, wait: counts(20) })
    await store.addMinutes([{ ...some, handle: counts(...Array<number>(90).fill(10)) }])
    await clock.advance(30 * MINUTE_MS)
    await store.addMinutes([minute({ done: 7, handle: counts(...Array<number>(7).fill(1_000)) })])
    await store.addMinutes([minute({ done: 3, handle: counts(86_400_000, 86_400_000, 86_400_000) })])
    await store.addMinutes([minute({ kind: 'b', failed: 1 })])
    const [a, b] = await store.stats()
    within(a!.handleMs?.p50, 10)
    within(a!.handleMs?.p95, 1_000)
    within(a!.handleMs?.p99, 86_400_000)
    within(a!.waitMs?.p50, 20)
    assert.deepEqual([b!.handleMs, b!.waitMs], [undefined, undefined])
  },

  'stats: old minutes are removed with the upkeep': async ({ store, clock }) => {
    await store.addMinutes([minute({ done: 1, handle: counts(10) })])
    await clock.advance(30 * MINUTE_MS)
    await store.pruneByRules()
    assert.equal((await store.stats())[0]!.perMinute.at(-31)!.done, 1)
    await clock.advance('2h')
    await store.pruneByRules()
    assert.deepEqual(await store.stats(), [])
  },

  'addMinutes: concurrent calls of many processes add up': async ({ store }) => {
    const kinds = series('k', 10)
    const add = (): Promise<void> =>
      store.addMinutes(kinds.map((kind) => minute({ kind, done: 1, handle: counts(1, 10) })))
    await Promise.all(Array.from({ length: 10 }, add))
    for (const { perMinute } of await store.stats()) assert.equal(doneIn(perMinute), 10)
  },
}

function countsOf({ kind, waiting, blocked, due, running, failed: ended }: KindStats): object {
  return { kind, waiting, blocked, due, running, failed: ended }
}

function doneIn(perMinute: KindStats['perMinute']): number {
  return perMinute.reduce((sum, { done: its }) => sum + its, 0)
}

/** Of kind 'a', just now and empty by default. */
function minute(given: Partial<KindMinute>): KindMinute {
  return { kind: 'a', agoMs: 0, done: 0, failed: 0, retried: 0, handle: counts(), wait: counts(), ...given }
}

function counts(...durations: number[]): HistogramCounts {
  const histogram = new Histogram(16)
  for (const ms of durations) histogram.add(ms)
  return histogram.counts
}

/** Advances the clock to the beginning of a minute. */
async function toMinute({ clock }: JobStoreContext): Promise<void> {
  await clock.advance(MINUTE_MS - (clock.now() % MINUTE_MS))
}

function within(ms: number | undefined, expected: number): void {
  const error = Math.abs((ms ?? NaN) / expected - 1)
  assert.ok(error <= 0.022, `expected ${expected} ms within 2.2 %; got ${ms}`)
}
