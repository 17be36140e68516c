import fc from 'fast-check'
import {
  type LeasedJob,
  ErrJobExists,
  type JobStore,
  type NewJob,
  type Outcome,
  type ParsedQuery,
  type ResolvedLimits,
} from 'runutil/queue'
import type { VirtualClock } from 'runutil/testing'
import { expect } from 'vitest'
import type { JobStoreModel } from './job-store-model.ts'

export interface RealStore {
  readonly store: JobStore
  readonly clock: VirtualClock
}

/** What is done to a store; it does it to both, and compares what they say. */
class Command implements fc.AsyncCommand<JobStoreModel, RealStore> {
  readonly #text: string
  readonly run: (model: JobStoreModel, real: RealStore) => Promise<void>

  constructor(name: string, given: unknown, run: Command['run']) {
    this.#text = `${name}(${fc.stringify(given)})`
    this.run = run
  }

  check(): boolean {
    return true
  }

  toString(): string {
    return this.#text
  }
}

const KINDS = ['a', 'b']
const BULK = 115
/** Of the jobs of one call: the first and last, and some between. */
const ofBulk = fc.constantFrom(0, 1, 42, 99, 100, BULK - 1)
const bulkName = fc.constantFrom('many', 'more')
const bulkId = fc.tuple(bulkName, ofBulk).map(([name, at]) => `${name}-${at}`)
const id = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('1', '2', '3', '4', '5', '6', '7', '8') },
  { weight: 1, arbitrary: bulkId },
)
const kind = fc.constantFrom(...KINDS)
/** Which of the jobs that were ever claimed; the latest first. */
const pick = fc.nat(11)
const leaseMs = fc.constantFrom(1_000, 5_000, 60_000)

interface Given extends Omit<NewJob, 'runAt' | 'payload'> {
  /** Of the runAt; without one, the delay counts. */
  inMs: number | undefined
}

const newJob = fc.record<Given>({
  id,
  kind,
  inMs: fc.constantFrom(undefined, undefined, -1_000, 1, 3_000),
  delayMs: fc.constantFrom(undefined, undefined, undefined, 0, 2_000),
  priority: fc.constantFrom(0, 0, 1, -1),
  key: fc.constantFrom(undefined, 'x', 'y'),
})

const outcome = fc.oneof<fc.Arbitrary<Outcome>[]>(
  fc.record({ status: fc.constant('DONE' as const), result: fc.constantFrom(undefined, 'null', '{"a":1}') }),
  fc.record({ status: fc.constantFrom('FAILED' as const, 'PANIC' as const), lastError: fc.constant('no') }),
  fc.record({
    status: fc.constant('PENDING' as const),
    lastError: fc.constantFrom('again', undefined),
    delayMs: fc.constantFrom(0, 1, 5_000),
    counted: fc.boolean(),
    stopped: fc.boolean(),
  }),
)

const inserts = fc.array(newJob, { minLength: 1, maxLength: 3 }).map(
  (given) =>
    new Command('insert', given, async (model, { store, clock }) => {
      const jobs = given.map(({ inMs, delayMs, ...job }) => ({
        ...job,
        payload: `"${job.id}"`,
        runAt: inMs === undefined ? undefined : new Date(clock.now() + inMs),
        delayMs: inMs === undefined ? delayMs : undefined,
      }))
      const taken = model.insert(jobs)
      const refused = await store.insert(jobs).then(
        () => [],
        (error: unknown) => (error instanceof ErrJobExists ? error.ids : Promise.reject(error as Error)),
      )
      expect(new Set(refused)).toEqual(new Set(taken))
      await same(model, store, jobs)
    }),
)

/** So many that a store may keep them in another way. */
const bulks = fc.record({ name: bulkName, kind }).map(
  (given) =>
    new Command('bulk', given, async (model, { store }) => {
      const { name, kind: its } = given
      const jobs = Array.from({ length: BULK }, (_, at) => {
        const one = `${name}-${at}`
        return { id: one, kind: its, payload: `"${one}"`, runAt: undefined, priority: 0, key: undefined }
      })
      const taken = model.insert(jobs)
      const refused = await store.insert(jobs).then(
        () => [],
        (error: unknown) => (error instanceof ErrJobExists ? error.ids : Promise.reject(error as Error)),
      )
      expect(new Set(refused)).toEqual(new Set(taken))
    }),
)

const limit = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: 1, max: 5 }) },
  { weight: 1, arbitrary: fc.constantFrom(40, 100, 130) },
)

const claims = fc.record({ kinds: fc.subarray(KINDS, { minLength: 1 }), limit, leaseMs }).map(
  (given) =>
    new Command('claim', given, async (model, { store }) => {
      const expected = model.next(given.kinds, given.limit)
      const jobs = await store.claim(given.kinds, given.limit, given.leaseMs)
      expect(
        jobs.map((job) => [job.id, job.crashes, job.attemptsDone, job.attempt, job.priority, job.key]),
      ).toEqual(
        expected.map((job) => [
          job.id,
          job.crashes,
          job.attemptsDone,
          job.attempts + 1,
          job.priority,
          job.key,
        ]),
      )
      const last = model.claimed.reduce((most, { claim }) => Math.max(most, claim), 0)
      for (const job of jobs) expect(job.claim).toBeGreaterThan(last)
      model.claim(jobs, given.leaseMs)
    }),
)

const settles = fc.array(fc.record({ pick, outcome }), { minLength: 1, maxLength: 3 }).map(
  (given) =>
    new Command('settle', given, async (model, { store }) => {
      const jobs = picked(
        model,
        given.map((each) => each.pick),
      )
      const batch = jobs.map((job, at) => ({
        id: job.id,
        kind: job.kind,
        claim: job.claim,
        outcome: given[at]!.outcome,
        attempt: job.attempt,
        durationMs: 1,
      }))
      const lost = batch.filter(({ outcome: its }, at) => !model.settle(jobs[at]!, its))
      expect(await store.settle(batch)).toEqual(lost)
      await same(model, store, jobs)
    }),
)

/** Of the latest claims; then, like a worker, another claim where that has brought none. */
const settlesAndClaims = fc
  .record({
    outcomes: fc.array(fc.record({ pick, outcome }), { minLength: 1, maxLength: 2 }),
    kinds: fc.subarray(KINDS, { minLength: 1 }),
    limit: fc.integer({ min: 1, max: 3 }),
    leaseMs,
  })
  .map(
    (given) =>
      new Command('settle and claim', given, async (model, { store }) => {
        const { kinds, limit: most } = given
        const jobs = picked(
          model,
          given.outcomes.map((each) => each.pick),
        )
        if (jobs.length === 0) return
        const batch = jobs.map(({ id: its, kind: ofKind, claim, place, attempt }, at) => {
          return {
            id: its,
            kind: ofKind,
            claim,
            place,
            outcome: given.outcomes[at]!.outcome,
            attempt,
            durationMs: 1,
          }
        })
        const lost = batch.filter(({ outcome: its }, at) => !model.settle(jobs[at]!, its))
        const expected = model.next(kinds, most)
        const both = await store.settleAndClaim?.(batch, kinds, most, given.leaseMs)
        expect(both === undefined ? await store.settle(batch) : both.lost).toEqual(lost)
        const claimed = both?.jobs.length ? both.jobs : await store.claim(kinds, most, given.leaseMs)
        const facts = ({ id: its, crashes, attemptsDone }: (typeof expected)[0] | LeasedJob) => [
          its,
          crashes,
          attemptsDone,
        ]
        expect(claimed.map(facts)).toEqual(expected.map(facts))
        model.claim(claimed, given.leaseMs)
        await same(model, store, [...jobs, ...claimed])
      }),
  )

/** All of one claim at once, as of quick jobs; the claims before may be lost. */
const settlesOfClaim = fc.record({ pick, from: fc.nat(3), hasResults: fc.boolean() }).map(
  (given) =>
    new Command('settle all', given, async (model, { store }) => {
      const number = picked(model, [given.pick])[0]?.claim
      const jobs = model.claimed.filter(({ claim }) => claim === number).slice(given.from)
      const batch = jobs.map((job) => {
        const { id: its, kind: ofKind, claim, place } = job
        const result = given.hasResults ? `"${its}"` : undefined
        const outcome: Outcome = { status: 'DONE', result }
        return { id: its, kind: ofKind, claim, place, outcome, attempt: 1, durationMs: 1 }
      })
      const lost = batch.filter(({ outcome: its }, at) => !model.settle(jobs[at]!, its))
      expect(await store.settle(batch)).toEqual(lost)
      await same(
        model,
        store,
        jobs.filter((_, at) => at % 30 === 0),
      )
    }),
)

const renews = fc.record({ pick, leaseMs }).map(
  (given) =>
    new Command('renew', given, async (model, { store }) => {
      // All of one claim: what becomes of the others when some are renewed is left to the store.
      const numbers = new Set(picked(model, [given.pick]).map(({ claim }) => claim))
      const jobs = model.claimed.filter(({ claim }) => numbers.has(claim))
      const lost = jobs.filter((job) => !model.renew(job, given.leaseMs))
      expect(await store.renew(jobs, given.leaseMs)).toEqual(lost)
    }),
)

const releases = fc.array(pick, { minLength: 1, maxLength: 3 }).map(
  (given) =>
    new Command('release', given, async (model, { store }) => {
      const jobs = picked(model, given)
      for (const job of jobs) model.release(job)
      await store.release(jobs)
      await same(model, store, jobs)
    }),
)

const cancels = id.map(
  (given) =>
    new Command('cancel', given, async (model, { store }) => {
      expect(await store.cancel(given)).toBe(model.cancel(given))
      await same(model, store, [{ id: given }])
    }),
)

const retries = id.map(
  (given) =>
    new Command('retryNow', given, async (model, { store }) => {
      expect(await store.retryNow(given)).toBe(model.retryNow(given))
      await same(model, store, [{ id: given }])
    }),
)

const ids = fc.uniqueArray(id, { minLength: 1, maxLength: 5 })

const cancelsOfMany = ids.map(
  (given) =>
    new Command('cancelJobs', given, async (model, { store }) => {
      const cancelled = given.filter((one) => model.cancel(one))
      expect(await store.cancelJobs(given)).toBe(cancelled.length)
      await same(
        model,
        store,
        given.map((its) => ({ id: its })),
      )
    }),
)

const deletes = ids.map(
  (given) =>
    new Command('deleteJobs', given, async (model, { store }) => {
      const deleted = given.filter((one) => model.delete(one))
      expect(await store.deleteJobs(given)).toBe(deleted.length)
      await same(
        model,
        store,
        given.map((its) => ({ id: its })),
      )
    }),
)

const revivals = fc.record({ ids, payload: fc.constantFrom(undefined, undefined, '"new"') }).map(
  (given) =>
    new Command('retryJobs', given, async (model, { store }) => {
      const retried = given.ids.filter((one) => model.retry(one, given.payload))
      const answer = await store.retryJobs(given.ids.map((one) => ({ id: one, payload: given.payload })))
      expect(new Set(answer.map((job) => job.id))).toEqual(new Set(retried))
      await same(model, store, answer)
    }),
)

const change = fc.record({
  delayMs: fc.constantFrom(undefined, 0, 1, 3_000),
  priority: fc.constantFrom(undefined, 0, 2),
  payload: fc.constantFrom(undefined, undefined, '"changed"'),
})
const reschedules = fc.record({ id, change }).map(
  (given) =>
    new Command('reschedule', given, async (model, { store }) => {
      expect(await store.reschedule(given.id, given.change)).toBe(model.reschedule(given.id, given.change))
      await same(model, store, [{ id: given.id }])
    }),
)

const advances = fc.constantFrom(1, 999, 1_000, 4_000, 61_000).map(
  (ms) =>
    new Command('advance', ms, async (model, { store, clock }) => {
      await clock.advance(ms)
      model.advance(ms)
      // Before its word ends.
      await sayRules(store, model)
      // Leases that ran out are over at the next claim.
      expect(await store.claim(['nobody'], 1, 1_000)).toEqual([])
    }),
)

const changes = fc
  .record({
    kind,
    concurrency: fc.constantFrom(undefined, 1, 2),
    keyConcurrency: fc.constantFrom(undefined, 1, 2),
  })
  .map(
    (given) =>
      new Command('limit', given, async (model, { store }) => {
        const { concurrency, keyConcurrency } = given
        const its: ResolvedLimits = { concurrency, keyConcurrency, rate: model.limits.get(given.kind)?.rate }
        model.limits.set(given.kind, its)
        await sayRules(store, model)
      }),
  )

const prunes = fc
  .record({ retentionMs: fc.constantFrom(0, 1_000, 30_000), limit: fc.integer({ min: 1, max: 4 }) })
  .map(
    (given) =>
      new Command('prune', given, async (model, { store }) => {
        const old = model.prunable(given.retentionMs)
        const removed = await store.prune(given.retentionMs, given.limit)
        expect(removed).toBe(Math.min(old.length, given.limit))
        // Which of them is left to the store.
        const found = await Promise.all(old.map((one) => store.get(one)))
        const gone = old.filter((_, at) => found[at] === undefined)
        expect(gone).toHaveLength(removed)
        for (const one of gone) model.jobs.delete(one)
      }),
  )

const counts = fc.constant(
  new Command('counts', '', async (model, { store }) => {
    expect(await store.counts()).toEqual(model.counts())
  }),
)

const lists = fc
  .record({
    status: fc.constantFrom(undefined, 'PENDING', 'WAITING', 'RUNNING', 'DONE', 'FAILED', 'PANIC'),
    kind: fc.constantFrom(undefined, ...KINDS),
    limit: fc.constantFrom(2, 100),
  })
  .map(
    (given) =>
      new Command('list', given, async (model, { store }) => {
        const { status, kind: its, limit } = given
        const endedAt = status === 'DONE' ? { from: 0, before: undefined } : undefined
        const others = { key: undefined, idPrefix: undefined, createdAt: undefined, runAt: undefined }
        const query = { status, kind: its, endedAt, error: undefined, ...others } as ParsedQuery
        const ids: string[] = []
        let after: string | undefined
        do {
          const page = await store.list(query, { limit, after })
          ids.push(...page.jobs.map((job) => job.id))
          after = page.next
        } while (after !== undefined)
        expect(ids).toEqual(model.list(status, its))
      }),
  )

/** As the one worker that there is. */
export async function sayRules(store: JobStore, { limits }: JobStoreModel): Promise<void> {
  const retention = { doneMs: Infinity, failedMs: Infinity }
  await store.setRules(
    'a worker',
    new Map([...limits].map(([its, one]) => [its, { limits: one, retention }])),
  )
}

/** Claims and settlements come most often. */
export const commands = fc.commands<JobStoreModel, RealStore>(
  [
    inserts,
    inserts,
    bulks,
    claims,
    claims,
    settles,
    settles,
    settlesAndClaims,
    settlesAndClaims,
    settlesOfClaim,
    renews,
    releases,
    cancels,
    retries,
    cancelsOfMany,
    deletes,
    revivals,
    revivals,
    reschedules,
    advances,
    changes,
    prunes,
    counts,
    lists,
    lists,
  ] as fc.Arbitrary<fc.AsyncCommand<JobStoreModel, RealStore>>[],
  { maxCommands: 60, size: 'max' },
) as fc.Arbitrary<Iterable<fc.AsyncCommand<JobStoreModel, RealStore>>>

/** Each once. */
function picked({ claimed }: JobStoreModel, picks: readonly number[]): LeasedJob[] {
  const jobs = picks.map((at) => claimed.at(-1 - at)).filter((job) => job !== undefined)
  return [...new Set(jobs)]
}

/** @throws when a job isn't as the model has it */
export async function same(
  model: JobStoreModel,
  store: JobStore,
  jobs: Iterable<{ readonly id: string }>,
): Promise<void> {
  for (const { id: its } of jobs) {
    const job = await store.get(its)
    // When it was last changed is the store's affair until it ends.
    expect(job && { ...job, updatedAt: undefined }).toEqual(model.get(its))
  }
}
