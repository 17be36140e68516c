import assert from 'node:assert/strict'
import type { JobStore } from '../queue/job-store.ts'
import type { Outcome } from '../queue/outcome.ts'
import {
  type JobStoreCases,
  type JobStoreContext,
  again,
  claim,
  claimOnly,
  expire,
  held,
  idsOf,
  limitTo,
  newJob,
  put,
  series,
} from './job-store-case.ts'

/** When a crash is counted, and how a job on its last chance is claimed: one that may crash no more. */
export const crashCases: JobStoreCases = {
  'crash: a claim frees no job that its process holds, however old the lease is': async (context) => {
    const { store } = context
    await put(store, '1', '2')
    const [first] = await claim(store, { limit: 1, holder: 1 })
    const [second] = await claim(store, { limit: 1, holder: 1 })
    await expire(context, { holder: 1, holding: new Set([first!.claim]) })
    const jobs = await claim(store, { holder: 1, holding: new Set([first!.claim]) })
    assert.deepEqual(idsOf(jobs), [second!.id])
    assert.deepEqual(idsOf(await claim(store, { holder: 2 })), [first!.id])
  },

  'crash: a claim whose answer was lost counts no crash, if its own process frees the job': async (
    context,
  ) => {
    const { store } = context
    await put(store, '1', '2')
    await claim(store, { limit: 1, holder: 1 })
    await claim(store, { limit: 1, holder: 2 })
    await expire(context, { holder: 1, holding: new Set() })
    const jobs = await claim(store)
    assert.deepEqual(
      jobs.map(({ id, crashes }) => [id, crashes]),
      [
        ['1', 0],
        ['2', 1],
      ],
    )
  },

  'crash: a run that ends resets the crashes of its job, a release keeps them': async (context) => {
    const { store } = context
    await held(store, '1')
    await expire(context)
    const second = await claimOnly(store, '1')
    await store.release([second])
    assert.equal((await claimOnly(store, '1')).crashes, 1)
    await expire(context)
    const third = await claimOnly(store, '1')
    assert.equal(third.crashes, 2)
    await store.settle([again(third)])
    assert.equal((await claimOnly(store, '1')).crashes, 0)
    await expire(context)
    assert.equal((await claimOnly(store, '1')).crashes, 1)
  },

  'crash: a job that ends only because of its crashes has no further attempt': async (context) => {
    const { store } = context
    await held(store, '1')
    await expire(context)
    const job = await claimOnly(store, '1')
    await store.settle([{ ...job, outcome: panicked(false), attempt: 1, durationMs: 0 }])
    const { status, attemptsDone, lastAttemptAt } = (await store.get('1'))!
    assert.deepEqual(
      { status, attemptsDone, lastAttemptAt },
      { status: 'PANIC', attemptsDone: 0, lastAttemptAt: undefined },
    )
    await put(store, '2')
    const other = await claimOnly(store, '2')
    await store.settle([{ ...other, outcome: panicked(), attempt: 1, durationMs: 0 }])
    assert.equal((await store.get('2'))!.attemptsDone, 1)
  },

  'last chance: a job on its last chance is claimed alone, others may be claimed beside it': async (
    context,
  ) => {
    const { store } = context
    await crashed(context, '1', '2')
    await put(store, '3', '4')
    assert.deepEqual(idsOf(await claim(store, { maxCrashes: 1 })), ['1'])
    const others = { maxCrashes: 1, lastChance: false }
    assert.deepEqual(idsOf(await claim(store, others)), ['3', '4'])
    assert.deepEqual(await claim(store, others), [])
    assert.deepEqual(idsOf(await claim(store, { maxCrashes: 1 })), ['2'])
  },

  'last chance: a claim reports that it left a job on its last chance': async (context) => {
    const { store } = context
    await crashed(context, '1')
    await put(store, { id: '0', priority: 1 }, '2')
    let left = 0
    const options = { maxCrashes: 1, onLastChance: () => left++ }
    assert.deepEqual(idsOf(await claim(store, { ...options, limit: 1, lastChance: false })), ['0'])
    assert.equal(left, 0)
    assert.deepEqual(idsOf(await claim(store, { ...options, limit: 1, lastChance: false })), ['2'])
    assert.equal(left, 1)
    assert.deepEqual(idsOf(await claim(store, options)), ['1'])
    assert.equal(left, 1)
  },

  'last chance: such jobs wait until they are first, unlike those with fewer or more crashes': async (
    context,
  ) => {
    const { store } = context
    await crashed(context, '1', '2')
    await put(store, { id: '0', priority: 1 })
    assert.deepEqual(idsOf(await claim(store, { maxCrashes: 1 })), ['0'])
    assert.deepEqual(idsOf(await claim(store, { maxCrashes: 2 })), ['1', '2'])
    await expire(context)
    await put(store, '3')
    assert.deepEqual(idsOf(await claim(store, { maxCrashes: 1 })), ['0'])
    assert.deepEqual(idsOf(await claim(store, { maxCrashes: 1 })), ['1', '2', '3'])
  },

  'last chance: any number of these jobs does not hold back others': async (context) => {
    const { store } = context
    await crashed(context, ...series('', 30))
    await store.insert(series('x', 4).map((id, at) => newJob({ id, kind: at % 2 === 0 ? 'a' : 'b' })))
    const others = { maxCrashes: 1, lastChance: false, limit: 3 }
    assert.deepEqual(idsOf(await claim(store, { ...others, limit: 1 })), ['x1'])
    assert.deepEqual(idsOf(await claim(store, { ...others, kinds: ['a', 'b'] })), ['x2', 'x3', 'x4'])
    assert.deepEqual(idsOf(await claim(store, { maxCrashes: 1, limit: 3 })), ['1'])
  },

  'last chance: applies within limits too': async (context) => {
    const { store } = context
    await limitTo(store, { concurrency: 3 })
    await crashed(context, '1')
    await put(store, '2', '3', '4')
    assert.deepEqual(idsOf(await claim(store, { maxCrashes: 1 })), ['1'])
    assert.deepEqual(idsOf(await claim(store, { maxCrashes: 1, lastChance: false })), ['2', '3'])
  },
}

function panicked(counted?: boolean): Outcome {
  return { status: 'PANIC', lastError: 'panic: it crashed', counted }
}

/** Stores jobs that crashed once. */
async function crashed(context: JobStoreContext, ...ids: string[]): Promise<void> {
  const { store } = context
  await put(store, ...ids)
  await claimAll(store)
  await expire(context)
}

async function claimAll(store: JobStore): Promise<void> {
  while ((await claim(store)).length > 0);
}
