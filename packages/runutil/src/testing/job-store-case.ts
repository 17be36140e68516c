import assert from 'node:assert/strict'
import type { Duration } from '../core/duration.ts'
import type { Enqueued, LeasedJob, QueuedJob } from '../queue/job.ts'
import type { ClaimOptions } from '../queue/claim-options.ts'
import type { JobStore, NewJob } from '../queue/job-store.ts'
import type { KindRules } from '../queue/kind-rules.ts'
import { NO_LIMITS, type ResolvedLimits } from '../queue/limits.ts'
import type { Retry, Outcome, Settlement } from '../queue/outcome.ts'
import type { VirtualClock } from './virtual-clock.ts'

/** Each rule of the contract, with a check that rejects if it is broken. */
export type JobStoreCases = Readonly<Record<string, (context: JobStoreContext) => Promise<void>>>

/** What a case of `jobStoreConformance` is given. */
export interface JobStoreContext {
  /** An empty store without limits. */
  readonly store: JobStore
  /** The clock that the store uses. */
  readonly clock: VirtualClock
}

export const LEASE_MS = 30_000

/** A job of kind 'a' by default. */
export function newJob(given: Partial<NewJob> & Pick<NewJob, 'id'>): NewJob {
  return { kind: 'a', payload: 'null', runAt: undefined, priority: 0, key: undefined, ...given }
}

export function put(
  store: JobStore,
  ...jobs: (string | Parameters<typeof newJob>[0])[]
): Promise<Enqueued[]> {
  return store.insert(jobs.map((job) => newJob(typeof job === 'string' ? { id: job } : job)))
}

export function claim(
  store: JobStore,
  {
    kinds = ['a'],
    limit = 100,
    lease = LEASE_MS,
    ...options
  }: { kinds?: string[]; limit?: number; lease?: Duration } & ClaimOptions = {},
): Promise<LeasedJob[]> {
  return store.claim(kinds, limit, lease, options)
}

/** Lets leases of the default duration expire that are not renewed, and their jobs be freed. */
export async function expire({ store, clock }: JobStoreContext, options: ClaimOptions = {}): Promise<void> {
  await clock.advance(LEASE_MS + 1)
  assert.deepEqual(await claim(store, { kinds: ['nobody'], ...options }), [])
}

/** @throws AssertionError unless the claim gives this job and no other */
export async function claimOnly(store: JobStore, id: string): Promise<LeasedJob> {
  const jobs = await claim(store)
  assert.deepEqual(idsOf(jobs), [id])
  return jobs[0]!
}

/** Stores a job and claims it. */
export async function held(store: JobStore, id: string): Promise<LeasedJob> {
  await put(store, id)
  return claimOnly(store, id)
}

/** @throws AssertionError if there is no such job */
export async function got(store: JobStore, id: string): Promise<QueuedJob> {
  const job = await store.get(id)
  assert.ok(job, `expected a job '${id}'; there is none`)
  return job
}

export function settlement({ id, kind, claim, place, attempt }: LeasedJob, outcome: Outcome): Settlement {
  return { id, kind, claim, place, outcome, attempt, durationMs: 1 }
}

export function done(job: LeasedJob, result?: string): Settlement {
  return settlement(job, { status: 'DONE', result })
}

export function failed(job: LeasedJob, lastError = 'failed'): Settlement {
  return settlement(job, { status: 'FAILED', lastError })
}

/** A retry; by default at once, and counted. */
export function again(job: LeasedJob, given: Partial<Retry> = {}): Settlement {
  return settlement(job, { status: 'PENDING', lastError: 'again', delayMs: 0, counted: true, ...given })
}

/** Sets the limits of a kind, by default 'a', as its only worker; removes them all if none is given. */
export async function limitTo(
  store: JobStore,
  limits: Partial<ResolvedLimits> = {},
  kind = 'a',
): Promise<void> {
  await store.setRules(`worker of ${kind}`, new Map([[kind, rules(limits)]]))
}

/** By default without limits, and with unlimited retention. */
export function rules(
  limits: Partial<ResolvedLimits> = {},
  retention: Partial<KindRules['retention']> = {},
): KindRules {
  return {
    limits: { ...NO_LIMITS, ...limits },
    retention: { doneMs: Infinity, failedMs: Infinity, ...retention },
  }
}

/** Waits until all calls have settled; then rejects as the first one that rejected. */
export async function atOnce<T extends readonly unknown[]>(
  calls: T,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  await Promise.allSettled(calls)
  return Promise.all(calls)
}

export function idsOf(jobs: readonly { readonly id: string }[]): string[] {
  return jobs.map(({ id }) => id)
}

/** `prefix`1, `prefix`2 and so on. */
export function series(prefix: string, length: number): string[] {
  return Array.from({ length }, (_, at) => `${prefix}${at + 1}`)
}

/** The store's time in `ms` from now. */
export function later(clock: VirtualClock, ms: number): Date {
  return new Date(clock.now() + ms)
}
