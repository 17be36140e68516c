import assert from 'node:assert/strict'
import type { JobStore } from '../queue/job-store.ts'
import { type JobStoreCases, again, claim, done, held, idsOf, later, put } from './job-store-case.ts'

export const claimCases: JobStoreCases = {
  'claim: a claimed job has all fields that it was inserted with': async ({ store, clock }) => {
    await put(store, { id: '1', kind: 'mail', priority: 7, key: 'ada', payload: '{"to":"ada"}' })
    const [job, ...more] = await claim(store, { kinds: ['mail'] })
    const now = new Date(clock.now())
    assert.deepEqual(more, [])
    assert.ok(Number.isSafeInteger(job!.claim), `expected a whole number; got ${job!.claim}`)
    assert.deepEqual(job, {
      id: '1',
      kind: 'mail',
      priority: 7,
      key: 'ada',
      payload: { to: 'ada' },
      status: 'PENDING',
      runAt: now,
      createdAt: now,
      updatedAt: job!.updatedAt,
      attemptsDone: 0,
      attempt: 1,
      claim: job!.claim,
      crashes: 0,
    })
  },

  'claim: an empty store, other kinds and no kinds give no job': async ({ store }) => {
    assert.deepEqual(await claim(store), [])
    await put(store, { id: '1', kind: 'b' }, { id: '2', kind: 'c' })
    assert.deepEqual(await claim(store), [])
    assert.deepEqual(await claim(store, { kinds: [] }), [])
    assert.deepEqual(idsOf(await claim(store, { kinds: ['c', 'a'] })), ['2'])
  },

  'claim: takes at most the requested number of jobs, each once': async ({ store }) => {
    await put(store, '1', '2', '3')
    assert.deepEqual(idsOf(await claim(store, { limit: 2 })), ['1', '2'])
    assert.deepEqual(idsOf(await claim(store, { limit: 2 })), ['3'])
    assert.deepEqual(idsOf(await claim(store, { limit: 2 })), [])
  },

  'claim: the highest priority first, then the earliest runAt, then the first inserted': async (context) => {
    const { store, clock } = context
    const at = (ms: number): Date => later(clock, ms)
    await put(
      store,
      { id: '6', runAt: at(2_000) },
      { id: '3', runAt: at(1_000) },
      { id: '4', runAt: at(1_000) },
    )
    await put(store, { id: '7', priority: -1 }, { id: '5', runAt: at(1_500) })
    await put(store, { id: '2', priority: 1, runAt: at(2_000) }, { id: '1', priority: 2 ** 31 - 1 })
    await put(store, { id: '8', priority: 1 - 2 ** 31 })
    await clock.advance('1m')
    assert.deepEqual(await oneByOne(store, ['a']), ['1', '2', '3', '4', '5', '6', '7', '8'])
  },

  'claim: a batch is in the same order': async ({ store, clock }) => {
    await put(
      store,
      { id: '4', runAt: later(clock, 10) },
      { id: '2', priority: 1 },
      { id: '5', priority: -1 },
    )
    await put(store, { id: '3' }, { id: '1', priority: 2 })
    await clock.advance('1s')
    assert.deepEqual(idsOf(await claim(store)), ['1', '2', '3', '4', '5'])
  },

  'claim: the order holds across kinds': async ({ store }) => {
    await put(store, { id: '2', kind: 'b' }, { id: '3', kind: 'a' }, { id: '4', kind: 'b' })
    await put(store, { id: '1', kind: 'a', priority: 1 }, { id: '5', kind: 'c' })
    assert.deepEqual(await oneByOne(store, ['c', 'b', 'a']), ['1', '2', '3', '4', '5'])
  },

  'claim: among scheduled jobs that became due, the earlier first': async ({ store, clock }) => {
    await put(
      store,
      { id: '2', kind: 'b', runAt: later(clock, 2_000) },
      { id: '1', runAt: later(clock, 1_000) },
    )
    await clock.advance('3s')
    await put(store, { id: '3' }, { id: '4', kind: 'b' })
    assert.deepEqual(await oneByOne(store, ['a', 'b']), ['1', '2', '3', '4'])
  },

  'claim: a job is not claimed before its runAt': async ({ store, clock }) => {
    await put(store, { id: '1', runAt: later(clock, 60_000) }, { id: '2', runAt: later(clock, 60_001) })
    await clock.advance(59_999)
    assert.deepEqual(await claim(store), [])
    await clock.advance(1)
    assert.deepEqual(idsOf(await claim(store)), ['1'])
    await clock.advance(1)
    assert.deepEqual(idsOf(await claim(store)), ['2'])
  },

  'claim: a runAt years ahead is kept to the millisecond': async ({ store }) => {
    const runAt = new Date(Date.UTC(9_999, 11, 31, 23, 59, 59, 999))
    await put(store, { id: '1', runAt })
    assert.deepEqual((await store.get('1'))?.runAt, runAt)
    assert.deepEqual(await claim(store), [])
  },

  'claim: the number of the claim always increases': async ({ store }) => {
    const numbers: number[] = []
    for (let round = 0; round < 3; round++) {
      const job = await held(store, `${round}`)
      numbers.push(job.claim)
      await store.settle([round === 1 ? done(job) : again(job)])
      const [next] = await claim(store)
      if (next === undefined) continue
      numbers.push(next.claim)
      await store.settle([done(next)])
    }
    assert.deepEqual(
      numbers,
      [...new Set(numbers)].sort((a, b) => a - b),
    )
  },
}

async function oneByOne(store: JobStore, kinds: string[]): Promise<string[]> {
  const ids: string[] = []
  for (;;) {
    const [job] = await claim(store, { kinds, limit: 1 })
    if (job === undefined) return ids
    ids.push(job.id)
  }
}
