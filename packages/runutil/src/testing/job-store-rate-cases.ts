import assert from 'node:assert/strict'
import type { LeasedJob } from '../queue/job.ts'
import type { JobStore } from '../queue/job-store.ts'
import {
  type JobStoreCases,
  type JobStoreContext,
  claim,
  done,
  idsOf,
  limitTo,
  put,
  series,
} from './job-store-case.ts'

const PER_MS = 1_000
const STEP_MS = 90
const STEPS = 70

export const rateCases: JobStoreCases = {
  'rate: at most that many starts, and more once the first is long enough ago': async ({ store, clock }) => {
    await limitTo(store, { rate: { limit: 2, perMs: PER_MS } })
    await put(store, ...series('', 5))
    assert.deepEqual(idsOf(await claim(store)), ['1', '2'])
    await clock.advance(PER_MS - 1)
    assert.deepEqual(await claim(store), [])
    await clock.advance(1)
    assert.deepEqual(idsOf(await claim(store)), ['3', '4'])
    await clock.advance(PER_MS / 2)
    assert.deepEqual(await claim(store), [])
  },

  'rate: no window as long as `per` ever holds more starts than its limit': async (context) => {
    await limitTo(context.store, { rate: { limit: 3, perMs: PER_MS } })
    const starts = await startsOver(context, (at) => 1 + (at % 3))
    checkWindows(starts, 3)
  },

  'rate: jobs that may wait count until then, and those that cannot start at once take at most half': async ({
    store,
    clock,
  }) => {
    await limitTo(store, { rate: { limit: 10, perMs: PER_MS } })
    await put(store, ...series('', 40))
    const waiting = { limit: 30, startable: 2, waitMs: 200 }
    assert.equal((await claim(store, waiting)).length, 5)
    await clock.advance(PER_MS)
    assert.equal((await claim(store, { limit: 30 })).length, 5)
    await clock.advance(199)
    assert.equal((await claim(store, waiting)).length, 0)
    await clock.advance(1)
    assert.equal((await claim(store, waiting)).length, 2)
  },

  'rate: applies together with concurrency': async (context) => {
    await limitTo(context.store, { concurrency: 2, rate: { limit: 5, perMs: PER_MS } })
    const starts = await startsOver(context, () => 10)
    checkWindows(starts, 5)
  },

  'rate: a kind at its rate does not hold back others': async ({ store }) => {
    await limitTo(store, { rate: { limit: 1, perMs: PER_MS } })
    await put(store, ...series('', 50), { id: 'b', kind: 'b' })
    assert.deepEqual(idsOf(await claim(store, { kinds: ['a', 'b'] })), ['1', 'b'])
  },

  'rate: a job that ended still counts as started': async ({ store, clock }) => {
    await limitTo(store, { rate: { limit: 1, perMs: PER_MS } })
    await put(store, '1', '2')
    const [job] = await claim(store)
    await store.settle([done(job!)])
    assert.deepEqual(await claim(store), [])
    await clock.advance(PER_MS)
    assert.deepEqual(idsOf(await claim(store)), ['2'])
  },

  'rate: a removed rate holds nothing back': async ({ store }) => {
    await limitTo(store, { rate: { limit: 1, perMs: 3_600_000 } })
    await put(store, ...series('', 3))
    assert.deepEqual(idsOf(await claim(store)), ['1'])
    await limitTo(store)
    assert.deepEqual(idsOf(await claim(store)), ['2', '3'])
  },
}

/** Claims at each step, settles the jobs of the previous step, and records when each job started. */
async function startsOver(
  { store, clock }: JobStoreContext,
  limitAt: (step: number) => number,
): Promise<number[]> {
  await put(store, ...series('', 200))
  const starts: number[] = []
  let running: LeasedJob[] = []
  for (let step = 0; step < STEPS; step++) {
    await settleAll(store, running)
    running = await claim(store, { limit: limitAt(step) })
    starts.push(...running.map(() => clock.now()))
    await clock.advance(STEP_MS)
  }
  return starts
}

async function settleAll(store: JobStore, jobs: readonly LeasedJob[]): Promise<void> {
  await store.settle(jobs.map((job) => done(job)))
}

function checkWindows(starts: readonly number[], limit: number): void {
  for (const start of starts) {
    const within = starts.filter((at) => at >= start && at < start + PER_MS).length
    assert.ok(within <= limit, `expected at most ${limit} starts in ${PER_MS} ms; got ${within}`)
  }
  // Nor far fewer starts than the rate allows.
  const most = (limit * STEPS * STEP_MS) / PER_MS
  assert.ok(starts.length > most / 2, `expected more than ${most / 2} starts; got ${starts.length}`)
}
