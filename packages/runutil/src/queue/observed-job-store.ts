import type { Duration } from '../core/duration.ts'
import { Events } from '../core/events.ts'
import type { Progress } from '../core/progress.ts'
import type { ClaimOptions } from './claim-options.ts'
import type { Encoding, JobCodec } from './codec.ts'
import type { Enqueued, JobSummary, LeasedJob, QueuedJob } from './job.ts'
import type { DependencyResult } from './dependencies.ts'
import type { JobEvent } from './job-event.ts'
import type { JobTracer } from './job-tracer.ts'
import type {
  Held,
  InTransaction,
  InsertOptions,
  JobCounts,
  JobStore,
  JobStoreFacts,
  ListPage,
  NewJob,
  SettleOptions,
  PlacedStore,
  SettledAndClaimed,
  StoredPage,
} from './job-store.ts'
import type { ParsedQuery } from './job-query.ts'
import type { KindMinute } from './job-minutes.ts'
import type { CancelOptions, JobChange, JobRetry, RetriedJob } from './job-operations.ts'
import type { KindRules, OtherRules } from './kind-rules.ts'
import type { KindStats } from './kind-stats.ts'
import type { Settlement } from './outcome.ts'
import type { OnReady } from './ready-listeners.ts'
import { placeOf } from './process-claims.ts'

/** A store that emits an event for each change through it, except changes in a caller's transaction. */
export class ObservedJobStore implements JobStore, JobStoreFacts, PlacedStore, Encoding {
  readonly #store: JobStore & JobStoreFacts
  readonly #events = new Events<{
    job: [event: JobEvent]
    completing: [held: readonly Held[]]
    paused: [kind: string]
  }>()

  /** Follows what goes through this object; undefined: nobody does. */
  tracer: JobTracer | undefined

  /** @param codec that of the queue, for the workers that run its jobs; this object passes on what is stored */
  constructor(
    store: JobStore & JobStoreFacts,
    readonly codec: JobCodec | undefined,
  ) {
    this.#store = store
  }

  get maxJson(): number | undefined {
    return this.#store.maxJson
  }

  onEvent(listener: (event: JobEvent) => void): () => void {
    return this.#events.on('job', listener)
  }

  async insert(jobs: readonly NewJob[], options?: InsertOptions): Promise<Enqueued[]> {
    const enqueued = await this.#store.insert(jobs, options)
    if (isInTransaction(options) || !this.#events.hasListeners('job')) return enqueued
    const stored = jobs.filter((_, at) => enqueued[at]!.outcome === 'stored')
    this.#emitEach(stored, ({ id, kind }) => ({ type: 'enqueued', id, kind }))
    const blocked = stored.filter(({ after }) => after !== undefined)
    this.#emitEach(blocked, ({ id, kind }) => ({ type: 'blocked', id, kind }))
    return enqueued
  }

  async claim(
    kinds: readonly string[],
    limit: number,
    lease: Duration,
    options?: ClaimOptions,
  ): Promise<LeasedJob[]> {
    const { tracer } = this
    const ask = (): Promise<LeasedJob[]> => this.#store.claim(kinds, limit, lease, options)
    const jobs = await (tracer === undefined ? ask() : tracer.claim(kinds, ask))
    this.#emitEach(jobs, (job) => ({ type: 'claimed', ...facts(job) }))
    return jobs
  }

  async settle<S extends Settlement>(batch: readonly S[], options?: SettleOptions): Promise<S[]> {
    // Before the call, since the handler may return during it.
    if (isInTransaction(options)) this.#events.emit('completing', batch)
    const { tracer } = this
    const ask = (): Promise<S[]> => this.#store.settle(batch, options)
    const lost = await (tracer === undefined ? ask() : tracer.settle(batch, ask))
    if (!isInTransaction(options)) this.#emitSettled(batch, lost)
    return lost
  }

  /** Whether `settleAndClaim` may be called. */
  get settlesAndClaims(): boolean {
    return this.#store.settleAndClaim !== undefined
  }

  async settleAndClaim<S extends Settlement>(
    batch: readonly S[],
    kinds: readonly string[],
    limit: number,
    lease: Duration,
    options?: ClaimOptions,
  ): Promise<SettledAndClaimed<S>> {
    const { tracer } = this
    const ask = (): Promise<SettledAndClaimed<S>> =>
      this.#store.settleAndClaim!(batch, kinds, limit, lease, options)
    const { lost, jobs } = await (tracer === undefined ? ask() : tracedBoth(tracer, batch, kinds, ask))
    this.#emitSettled(batch, lost)
    this.#emitEach(jobs, (job) => ({ type: 'claimed', ...facts(job) }))
    return { lost, jobs }
  }

  renew<H extends Held>(
    held: readonly H[],
    lease: Duration,
    progress?: ReadonlyMap<Held, Progress>,
  ): Promise<H[]> {
    return this.#store.renew(held, lease, progress)
  }

  /** The handler of a job has reported progress. */
  progressed(job: LeasedJob, { done, total, note }: Progress): void {
    this.#emitEach([job], () => ({ type: 'progress', ...facts(job), done, total, note }))
  }

  async release(held: readonly LeasedJob[]): Promise<void> {
    await this.#store.release(held)
    this.#emitEach(held, (job) => ({ type: 'released', ...facts(job) }))
  }

  get(id: string): Promise<QueuedJob | undefined> {
    return this.#store.get(id)
  }

  list(query: ParsedQuery, page: ListPage): Promise<StoredPage> {
    return this.#store.list(query, page)
  }

  listSummaries(query: ParsedQuery, page: ListPage): Promise<StoredPage<JobSummary>> {
    return this.#store.listSummaries(query, page)
  }

  dependencies(id: string): Promise<DependencyResult[]> {
    return this.#store.dependencies(id)
  }

  failDependents(): Promise<boolean> {
    return this.#store.failDependents()
  }

  cancel(id: string): Promise<boolean> {
    return this.#store.cancel(id)
  }

  retryNow(id: string): Promise<boolean> {
    return this.#store.retryNow(id)
  }

  cancelJobs(ids: readonly string[], options?: CancelOptions): Promise<number> {
    return this.#store.cancelJobs(ids, options)
  }

  deleteJobs(ids: readonly string[]): Promise<number> {
    return this.#store.deleteJobs(ids)
  }

  async retryJobs(retries: readonly JobRetry[]): Promise<RetriedJob[]> {
    const retried = await this.#store.retryJobs(retries)
    this.#emitEach(retried, ({ id, kind }) => ({ type: 'retried', id, kind }))
    return retried
  }

  reschedule(id: string, change: JobChange): Promise<boolean> {
    return this.#store.reschedule(id, change)
  }

  async pause(kind: string): Promise<void> {
    await this.#store.pause(kind)
    this.#events.emit('paused', kind)
    this.#emitEach([kind], () => ({ type: 'paused', kind }))
  }

  async resume(kind: string): Promise<void> {
    await this.#store.resume(kind)
    this.#emitEach([kind], () => ({ type: 'resumed', kind }))
  }

  paused(): Promise<string[]> {
    return this.#store.paused()
  }

  counts(): Promise<JobCounts> {
    return this.#store.counts()
  }

  stats(): Promise<KindStats[]> {
    return this.#store.stats()
  }

  addMinutes(minutes: readonly KindMinute[]): Promise<void> {
    return this.#store.addMinutes(minutes)
  }

  setRules(worker: string, kinds: ReadonlyMap<string, KindRules>): Promise<OtherRules[]> {
    return this.#store.setRules(worker, kinds)
  }

  rateOpensIn(kinds: readonly string[]): Promise<number | undefined> {
    return this.#store.rateOpensIn(kinds)
  }

  unhandledKinds(): Promise<string[]> {
    return this.#store.unhandledKinds()
  }

  prune(retention: Duration, limit: number, pass?: object): Promise<number> {
    return this.#store.prune(retention, limit, pass)
  }

  pruneByRules(): Promise<boolean> {
    return this.#store.pruneByRules()
  }

  listen(onReady: OnReady, kinds?: readonly string[]): Promise<() => Promise<void>> {
    return this.#store.listen(onReady, kinds)
  }

  quietFor(kinds: readonly string[]): Promise<number> {
    return this.#store.quietFor(kinds)
  }

  /** Calls back with jobs being settled in a caller's transaction. @returns a function that removes the listener */
  onCompleting(listener: (held: readonly Held[]) => void): () => void {
    return this.#events.on('completing', listener)
  }

  /** Calls back when a kind is paused through this object. @returns a function that removes the listener */
  onPaused(listener: (kind: string) => void): () => void {
    return this.#events.on('paused', listener)
  }

  place(): object {
    return placeOf(this.#store)
  }

  #emitSettled(batch: readonly Settlement[], lost: readonly Settlement[]): void {
    if (!this.#events.hasListeners('job')) return
    const isLost = new Set(lost)
    this.#emitEach(batch, (one) => (isLost.has(one) ? lostEvent(one) : settledEvent(one)))
  }

  #emitEach<T>(about: readonly T[], event: (one: T) => JobEvent): void {
    if (!this.#events.hasListeners('job')) return
    for (const one of about) this.#events.emit('job', event(one))
  }
}

/** Then the caller decides whether the change is committed, which isn't known here. */
function isInTransaction(options: InTransaction | undefined): boolean {
  return options?.tx !== undefined
}

/** As two calls, each of which takes as long as both. */
async function tracedBoth<S extends Settlement>(
  tracer: JobTracer,
  batch: readonly S[],
  kinds: readonly string[],
  ask: () => Promise<SettledAndClaimed<S>>,
): Promise<SettledAndClaimed<S>> {
  let lost: S[] = []
  const claim = async (): Promise<LeasedJob[]> => {
    const answer = await ask()
    lost = answer.lost
    return answer.jobs
  }
  const jobs = await tracer.settle(batch, () => tracer.claim(kinds, claim))
  return { lost, jobs }
}

function facts({ id, kind, attempt }: LeasedJob): { id: string; kind: string; attempt: number } {
  return { id, kind, attempt }
}

function settledEvent({ id, kind, attempt, durationMs, outcome }: Settlement): JobEvent {
  const { status } = outcome
  const lastError = outcome.status === 'DONE' ? undefined : outcome.lastError
  return { type: 'settled', id, kind, attempt, durationMs, status, lastError }
}

function lostEvent({ id, kind, attempt }: Settlement): JobEvent {
  return { type: 'lost', id, kind, attempt }
}
