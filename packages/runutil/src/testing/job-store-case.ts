import assert from 'node:assert/strict'
import type { Duration } from '../core/duration.ts'
import type { ClaimedJob, QueuedJob } from '../queue/job.ts'
import type { ClaimOptions, JobStore, NewJob } from '../queue/job-store.ts'
import type { KindRules } from '../queue/kind-rules.ts'
import { NO_LIMITS, type ResolvedLimits } from '../queue/limits.ts'
import type { Again, Outcome, Settlement } from '../queue/outcome.ts'
import type { VirtualClock } from './virtual-clock.ts'

/** What holds, and the code that rejects when it doesn't. */
export type JobStoreCases = Readonly<Record<string, (context: JobStoreContext) => Promise<void>>>

export interface JobStoreContext {
  /** Empty, and without limits. */
  readonly store: JobStore
  /** Where the store takes its time from. */
  readonly clock: VirtualClock
}

export const LEASE_MS = 30_000

/** A job of kind 'a' unless told otherwise. */
export function newJob(given: Partial<NewJob> & Pick<NewJob, 'id'>): NewJob {
  return { kind: 'a', payload: 'null', runAt: undefined, priority: 0, key: undefined, ...given }
}

export function put(store: JobStore, ...jobs: (string | Parameters<typeof newJob>[0])[]): Promise<void> {
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
): Promise<ClaimedJob[]> {
  return store.claim(kinds, limit, lease, options)
}

/** Has the leases run out that weren't renewed for as long as they last, and their jobs freed. */
export async function expire({ store, clock }: JobStoreContext, options: ClaimOptions = {}): Promise<void> {
  await clock.advance(LEASE_MS + 1)
  assert.deepEqual(await claim(store, { kinds: ['nobody'], ...options }), [])
}

/** @throws AssertionError unless there is just this one */
export async function claimOnly(store: JobStore, id: string): Promise<ClaimedJob> {
  const jobs = await claim(store)
  assert.deepEqual(idsOf(jobs), [id])
  return jobs[0]!
}

/** Stores a job and claims it. */
export async function held(store: JobStore, id: string): Promise<ClaimedJob> {
  await put(store, id)
  return claimOnly(store, id)
}

/** @throws AssertionError when there is none */
export async function got(store: JobStore, id: string): Promise<QueuedJob> {
  const job = await store.get(id)
  assert.ok(job, `expected a job '${id}'; there is none`)
  return job
}

export function settlement({ id, kind, claim, attemptsDone }: ClaimedJob, outcome: Outcome): Settlement {
  return { id, kind, claim, outcome, attempt: attemptsDone + 1, durationMs: 1 }
}

export function done(job: ClaimedJob, result?: string): Settlement {
  return settlement(job, { status: 'DONE', result })
}

export function failed(job: ClaimedJob, lastError = 'failed'): Settlement {
  return settlement(job, { status: 'FAILED', lastError })
}

/** To be run again; counted and at once unless told otherwise. */
export function again(job: ClaimedJob, given: Partial<Again> = {}): Settlement {
  return settlement(job, { status: 'PENDING', lastError: 'again', delayMs: 0, counted: true, ...given })
}

/** As the one worker that there is says it. Of kind 'a'; without any, it takes all limits off. */
export async function limitTo(
  store: JobStore,
  limits: Partial<ResolvedLimits> = {},
  kind = 'a',
): Promise<void> {
  await store.setRules(`worker of ${kind}`, new Map([[kind, rules(limits)]]))
}

/** No limits and kept for ever, unless told otherwise. */
export function rules(
  limits: Partial<ResolvedLimits> = {},
  retention: Partial<KindRules['retention']> = {},
): KindRules {
  return {
    limits: { ...NO_LIMITS, ...limits },
    retention: { doneMs: Infinity, failedMs: Infinity, ...retention },
  }
}

/** Waits for all of them to end, whatever becomes of the others; then rejects as the first that did. */
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

/** So long after the store's now. */
export function later(clock: VirtualClock, ms: number): Date {
  return new Date(clock.now() + ms)
}
