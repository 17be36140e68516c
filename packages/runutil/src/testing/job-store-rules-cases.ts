import assert from 'node:assert/strict'
import type { KindRules } from '../queue/kind-rules.ts'
import type { JobStore } from '../queue/job-store.ts'
import type { ResolvedLimits } from '../queue/limits.ts'
import {
  type JobStoreCases,
  again,
  claim,
  claimOnly,
  done,
  failed,
  idsOf,
  later,
  put,
  rules,
  series,
} from './job-store-case.ts'

const HOUR_MS = 3_600_000

/** The limits and retentions that several workers set for one kind. */
export const rulesCases: JobStoreCases = {
  'rules: all limits on a kind apply': async ({ store }) => {
    await say(store, 'one', { concurrency: 3, keyConcurrency: 2 })
    await say(store, 'two', { concurrency: 5, keyConcurrency: 1 })
    await put(store, { id: '1', key: 'x' }, { id: '2', key: 'x' }, ...series('free', 9))
    assert.deepEqual(idsOf(await claim(store)), ['1', 'free1', 'free2'])
  },

  'rules: a worker without limits removes none': async ({ store }) => {
    await say(store, 'one', { concurrency: 1 })
    await say(store, 'two')
    await put(store, '1', '2', '3')
    const job = await claimOnly(store, '1')
    await say(store, 'three')
    await store.settle([done(job)])
    await claimOnly(store, '2')
  },

  'rules: all rates on a kind apply': async ({ store, clock }) => {
    await say(store, 'one', { rate: { limit: 2, perMs: 1_000 } })
    await say(store, 'two', { rate: { limit: 5, perMs: 10_000 } })
    await put(store, ...series('', 20))
    const perSecond: number[] = []
    for (let second = 0; second < 11; second++) {
      perSecond.push((await claim(store)).length)
      await clock.advance(1_000)
    }
    assert.deepEqual(perSecond, [2, 2, 1, 0, 0, 0, 0, 0, 0, 0, 2])
  },

  'rules: the rules of a worker replace its previous ones': async ({ store }) => {
    await say(store, 'one', { concurrency: 1 })
    await say(store, 'two', { concurrency: 5 })
    await put(store, ...series('', 9))
    await claimOnly(store, '1')
    await say(store, 'one', { concurrency: 4 })
    assert.equal((await claim(store)).length, 3)
    await store.setRules('one', new Map([['b', rules({ concurrency: 1 })]]))
    assert.equal((await claim(store)).length, 1)
  },

  'rules: withdrawn rules no longer apply, the others do': async ({ store }) => {
    await say(store, 'one', { concurrency: 1 })
    await say(store, 'two', { concurrency: 3 })
    await put(store, ...series('', 9))
    await claimOnly(store, '1')
    await store.setRules('one', new Map())
    await store.setRules('nobody', new Map())
    assert.equal((await claim(store)).length, 2)
    await store.setRules('two', new Map())
    assert.equal((await claim(store)).length, 6)
  },

  "rules: a dead worker's rules expire within 2 minutes, even if only claims are made": async (context) => {
    const { store, clock } = context
    await say(store, 'dead', { concurrency: 1 })
    await put(store, ...series('', 5))
    assert.deepEqual(idsOf(await claim(store, { lease: '5m' })), ['1'])
    await clock.advance('90s')
    assert.deepEqual(await claim(store), [])
    await clock.advance('30s')
    assert.equal((await claim(store)).length, 4)
  },

  'rules: renewed rules continue to apply': async ({ store, clock }) => {
    await say(store, 'dead', { concurrency: 1 })
    await say(store, 'alive', { concurrency: 2 })
    await put(store, ...series('', 5))
    for (let seconds = 0; seconds < 120; seconds += 30) {
      await clock.advance('30s')
      await say(store, 'alive', { concurrency: 2 })
    }
    assert.deepEqual(idsOf(await claim(store)), ['1', '2'])
    assert.deepEqual(await claim(store), [])
  },

  'rules: workers with different rules are reported to each other': async ({ store, clock }) => {
    const one = rules({ concurrency: 1 }, { doneMs: 1_000 })
    const two = rules({ rate: { limit: 2, perMs: 5 } })
    const same = ['a', one] as const
    assert.deepEqual(await store.setRules('one', new Map([same, ['b', two]])), [])
    assert.deepEqual(await store.setRules('two', new Map([same, ['c', one]])), [])
    assert.deepEqual(await store.setRules('three', new Map([['a', two]])), [
      { worker: 'one', kind: 'a', ...one },
    ])
    assert.deepEqual(await store.setRules('one', new Map([same])), [{ worker: 'three', kind: 'a', ...two }])
    await clock.advance('2m')
    assert.deepEqual(await store.setRules('one', new Map([same])), [])
  },

  'rateOpensIn: returns exactly when the next job may start': async ({ store, clock }) => {
    await say(store, 'one', { rate: { limit: 2, perMs: 1_000 } })
    await put(store, ...series('', 6))
    const opensIn = (): Promise<number | undefined> => store.rateOpensIn(['b', 'a'])
    assert.equal(await opensIn(), undefined)
    await claim(store, { limit: 1 })
    assert.equal(await opensIn(), undefined)
    await clock.advance(400)
    await claim(store)
    assert.equal(await opensIn(), 600)
    await clock.advance(599)
    assert.deepEqual([await opensIn(), (await claim(store)).length], [1, 0])
    await clock.advance(1)
    assert.deepEqual([await opensIn(), (await claim(store)).length], [undefined, 1])
    assert.equal(await opensIn(), 400)
    await say(store, 'two', { rate: { limit: 1, perMs: 5_000 } })
    assert.equal(await opensIn(), 5_000)
  },

  'rateOpensIn: undefined if no job waits, for other kinds and without a rate': async ({ store, clock }) => {
    await say(store, 'one', { rate: { limit: 1, perMs: 1_000 } })
    await put(store, '1', { id: 'b', kind: 'b' })
    const job = await claimOnly(store, '1')
    assert.equal(await store.rateOpensIn(['a', 'b']), undefined)
    await store.settle([again(job, { delayMs: 500 })])
    assert.equal(await store.rateOpensIn(['a']), undefined)
    await clock.advance(500)
    await claim(store, { kinds: ['b'] })
    assert.equal(await store.rateOpensIn(['a']), 500)
    assert.deepEqual([await store.rateOpensIn(['b']), await store.rateOpensIn([])], [undefined, undefined])
  },

  'unhandledKinds: the kinds of due jobs that no live worker has declared': async ({ store, clock }) => {
    await put(store, '1', '2', { id: 'b', kind: 'b' }, { id: 'c', kind: 'c', runAt: later(clock, HOUR_MS) })
    assert.deepEqual(await store.unhandledKinds(), ['a', 'b'])
    await say(store, 'one')
    assert.deepEqual(await store.unhandledKinds(), ['b'])
    await claim(store, { kinds: ['b'] })
    assert.deepEqual(await store.unhandledKinds(), [])
    await clock.advance('3m')
    assert.deepEqual(await store.unhandledKinds(), ['a'])
  },

  'pruneByRules: removes jobs by the retention of their kind, and none of other kinds': async (context) => {
    const { store, clock } = context
    const sayAndPrune = async (): Promise<void> => {
      await store.setRules('one', new Map([['a', rules({}, { doneMs: HOUR_MS, failedMs: HOUR_MS })]]))
      await store.setRules('two', new Map([['b', rules()]]))
      await prune(store)
    }
    await endJobs(store, 'a', 'b', 'c')
    await sayAndPrune()
    await clock.advance('59m')
    await sayAndPrune()
    assert.deepEqual(await kept(store), ['a done', 'a failed', 'b done', 'b failed', 'c done', 'c failed'])
    // A store may keep jobs a twentieth longer.
    await clock.advance('5m')
    await sayAndPrune()
    assert.deepEqual(await kept(store), ['b done', 'b failed', 'c done', 'c failed'])
  },

  'pruneByRules: jobs that ended otherwise than DONE have a retention of their own': async ({
    store,
    clock,
  }) => {
    const its: [string, KindRules][] = [
      ['a', rules({}, { doneMs: HOUR_MS })],
      ['b', rules({}, { failedMs: HOUR_MS })],
    ]
    await store.setRules('one', new Map(its))
    await endJobs(store, 'a', 'b')
    await put(store, { id: 'b cancelled', kind: 'b' }, { id: 'b waits', kind: 'b' })
    await store.cancel('b cancelled')
    await clock.advance('70m')
    await store.setRules('one', new Map(its))
    await prune(store)
    assert.deepEqual(await kept(store), ['a failed', 'b done', 'b waits'])
  },

  'pruneByRules: the longest retention of the live workers applies': async ({ store, clock }) => {
    const short = rules({}, { doneMs: 1_000, failedMs: 1_000 })
    await endJobs(store, 'a')
    await store.setRules('long', new Map([['a', rules({}, { doneMs: HOUR_MS, failedMs: HOUR_MS })]]))
    await store.setRules('short', new Map([['a', short]]))
    await clock.advance('90s')
    await prune(store)
    assert.deepEqual(await kept(store), ['a done', 'a failed'])
    await store.setRules('short', new Map([['a', short]]))
    await clock.advance('60s')
    await prune(store)
    assert.deepEqual(await kept(store), [])
  },

  'pruneByRules: a shorter retention applies at once': async ({ store, clock }) => {
    const keep = (ms: number): Promise<unknown> =>
      store.setRules('one', new Map([['a', rules({}, { doneMs: ms, failedMs: ms })]]))
    await keep(30 * 24 * HOUR_MS)
    await endJobs(store, 'a')
    await prune(store)
    await clock.advance('1h')
    await keep(HOUR_MS)
    await prune(store)
    assert.deepEqual(await kept(store), [])
  },

  'pruneByRules: removes thousands of jobs': async ({ store, clock }) => {
    await store.setRules('one', new Map([['a', rules({}, { doneMs: HOUR_MS, failedMs: HOUR_MS })]]))
    await put(store, ...series('', 3_000))
    await store.settle((await claim(store, { limit: 3_000 })).map((job) => done(job)))
    await clock.advance('61m')
    await store.setRules('one', new Map([['a', rules({}, { doneMs: HOUR_MS, failedMs: HOUR_MS })]]))
    await prune(store)
    assert.deepEqual(await store.counts(), {})
  },
}

async function say(store: JobStore, worker: string, limits: Partial<ResolvedLimits> = {}): Promise<void> {
  await store.setRules(worker, new Map([['a', rules(limits)]]))
}

/** Stores one DONE and one FAILED job of each kind. */
async function endJobs(store: JobStore, ...kinds: string[]): Promise<void> {
  for (const kind of kinds) {
    await put(store, { id: `${kind} done`, kind }, { id: `${kind} failed`, kind })
    const [one, two] = await claim(store, { kinds: [kind] })
    await store.settle([done(one!), failed(two!)])
  }
}

async function prune(store: JobStore): Promise<void> {
  while (await store.pruneByRules());
}

async function kept(store: JobStore): Promise<string[]> {
  const ids = ['a', 'b', 'c'].flatMap((kind) =>
    ['done', 'failed', 'cancelled', 'waits'].map((end) => `${kind} ${end}`),
  )
  const found = await Promise.all(ids.map((id) => store.get(id)))
  return ids.filter((_, at) => found[at] !== undefined)
}
