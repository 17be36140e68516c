import type { ClaimOptions } from './claim-options.ts'
import type { Progress } from '../core/progress.ts'
import { systemClock } from '../core/clock-system.ts'
import type { Clock } from '../core/clock.ts'
import { type Duration, toMs, toStorableMs } from '../core/duration.ts'
import { InvalidArgumentError } from '../core/errors.ts'
import { checkOptions } from '../core/options.ts'
import type { DependencyResult } from './dependencies.ts'
import type {
  Held,
  InTransaction,
  InsertOptions,
  JobCounts,
  JobStore,
  JobStoreFacts,
  ListPage,
  NewJob,
  StoredPage,
} from './job-store.ts'
import type { Enqueued, JobSummary, LeasedJob, QueuedJob } from './job.ts'
import type { CancelOptions, JobChange, JobRetry, RetriedJob } from './job-operations.ts'
import type { KindRules, OtherRules } from './kind-rules.ts'
import type { ParsedQuery } from './job-query.ts'
import { type KindMinute, MINUTE_MS } from './job-minutes.ts'
import type { KindStats } from './kind-stats.ts'
import { checkMaxJson } from './max-json.ts'
import { MemoryClaim } from './memory-claim.ts'
import { insertJobs } from './memory-insert.ts'
import { MemoryJobs } from './memory-jobs.ts'
import { Allowance, MemoryStarts } from './memory-limits.ts'
import { listJobs } from './memory-listing.ts'
import { MemoryMinutes } from './memory-minutes.ts'
import { MemoryRules } from './memory-rules.ts'
import { memoryStats } from './memory-stats.ts'
import { type ClockSet, MemoryTime } from './memory-time.ts'
import { type Settlement, checkStorable } from './outcome.ts'
import { type OnReady, ReadyListeners } from './ready-listeners.ts'
import {
  type StoredJob,
  countJobs,
  toDependencyResult,
  toJobSummary,
  toLeasedJob,
  toQueuedJob,
} from './stored-job.ts'

/** Options of a `MemoryJobStore`. */
export interface MemoryJobStoreOptions {
  /** Default: the system's clock. */
  clock?: Clock | undefined
  /** The most characters of JSON in a payload or a result. Default 4 MiB. */
  maxJson?: number | undefined
}

/**
 * Jobs in this process's memory, lost when it ends: for tests, and as the reference for a store's behaviour.
 *
 * A job is waiting, held by a claim, or ended.
 */
export class MemoryJobStore implements JobStore, JobStoreFacts {
  readonly maxJson: number
  readonly #time: MemoryTime
  readonly #jobs = new MemoryJobs((ready) => this.#listeners.wakeFor(ready))
  readonly #rules = new MemoryRules()
  readonly #starts = new MemoryStarts()
  readonly #minutes = new MemoryMinutes()
  readonly #listeners: ReadyListeners
  readonly #paused = new Set<string>()
  #seq = 0
  #claim = 0

  constructor(options: MemoryJobStoreOptions = {}) {
    const what = 'MemoryJobStore'
    const { clock = systemClock, maxJson } = checkOptions(what, options, ['clock', 'maxJson'])
    this.#listeners = new ReadyListeners(clock)
    this.maxJson = checkMaxJson(maxJson, what)
    this.#time = new MemoryTime(clock, (set) => this.#moveTimes(set))
  }

  // Async, here and below, so that errors are rejections, as with any other store.
  async insert(jobs: readonly NewJob[], options: InsertOptions = {}): Promise<Enqueued[]> {
    refuseTransaction(options.tx)
    const enqueued = insertJobs(jobs, options, {
      jobs: this.#jobs,
      now: this.#time.now(),
      nextSeq: () => ++this.#seq,
    })
    this.#listeners.wakeFor(jobs)
    return enqueued
  }

  async claim(
    kinds: readonly string[],
    limit: number,
    lease: Duration,
    options: ClaimOptions = {},
  ): Promise<LeasedJob[]> {
    const leaseMs = toStorableMs(lease, 'claim: lease')
    const now = this.#time.now()
    this.#time.reportChange(options.onClockSet)
    this.#jobs.freeExpired(now, options)
    const open = kinds.filter((kind) => !this.#paused.has(kind))
    const allowances = this.#allowances(open, now, options.startable)
    const jobs = new MemoryClaim(limit, options).choose(this.#jobs.waiting.all, allowances, now)
    if (jobs.length === 0) return []
    const claim = ++this.#claim
    this.#jobs.leases.add(claim, { until: now + leaseMs, holder: options.holder }, jobs)
    const { startable = Infinity, waitMs = 0 } = options
    const startsAt = jobs.length > startable ? now + waitMs : now
    for (const job of jobs) {
      this.#jobs.waiting.remove(job)
      this.#jobs.unique.started(job)
      Object.assign(job, { claim, claimedAt: now, freedFrom: undefined })
      this.#starts.started(job.kind, this.#rules.limits(job.kind, now), now, startsAt)
    }
    return jobs.map(toLeasedJob)
  }

  #allowances(kinds: readonly string[], now: number, startable?: number): Map<string, Allowance> {
    const held = this.#jobs.leases.jobs
    return new Map(
      kinds.map((kind) => {
        const limits = this.#rules.limits(kind, now)
        const running = held.filter((job) => job.kind === kind)
        return [kind, new Allowance(limits, running, this.#starts.room(kind, limits, now), startable)]
      }),
    )
  }

  async settle<S extends Settlement>(batch: readonly S[], { tx }: InTransaction = {}): Promise<S[]> {
    refuseTransaction(tx)
    checkStorable(batch)
    const now = this.#time.now()
    return batch.filter((settlement) => !this.#jobs.settle(settlement, now))
  }

  async renew<H extends Held>(
    held: readonly H[],
    lease: Duration,
    progress?: ReadonlyMap<Held, Progress>,
  ): Promise<H[]> {
    const until = this.#time.now() + toStorableMs(lease, 'renew: lease')
    return held.filter((one) => {
      this.#jobs.takeBack(one, until)
      this.#jobs.leases.renew(one.claim, until)
      const job = this.#jobs.held(one)
      if (job !== undefined) job.progress = progress?.get(one) ?? job.progress
      return job === undefined
    })
  }

  async release(held: readonly Held[]): Promise<void> {
    const released: StoredJob[] = []
    for (const one of held) {
      const job = this.#jobs.release(one, this.#time.now())
      if (job !== undefined) released.push(job)
    }
    this.#listeners.wakeFor(released)
  }

  async get(id: string): Promise<QueuedJob | undefined> {
    const job = this.#jobs.get(id)
    return job && toQueuedJob(job)
  }

  async list(query: ParsedQuery, page: ListPage): Promise<StoredPage> {
    return listJobs(this.#jobs.all, query, page, toQueuedJob)
  }

  async listSummaries(query: ParsedQuery, page: ListPage): Promise<StoredPage<JobSummary>> {
    return listJobs(this.#jobs.all, query, page, toJobSummary)
  }

  async dependencies(id: string): Promise<DependencyResult[]> {
    return this.#jobs.dependencies(id).map(toDependencyResult)
  }

  /** All of them end at once here. */
  async failDependents(): Promise<boolean> {
    return false
  }

  async cancel(id: string): Promise<boolean> {
    return this.#jobs.cancel([id], this.#time.now()) === 1
  }

  async retryNow(id: string): Promise<boolean> {
    const job = this.#jobs.open(id)
    if (job === undefined) return false
    if (this.#jobs.retryNow(job, this.#time.now())) this.#listeners.wakeFor([job])
    return true
  }

  async cancelJobs(ids: readonly string[], { onlyWaiting = false }: CancelOptions = {}): Promise<number> {
    const some = onlyWaiting ? ids.filter((id) => !this.#jobs.runs(id)) : ids
    return this.#jobs.cancel([...new Set(some)], this.#time.now())
  }

  async deleteJobs(ids: readonly string[]): Promise<number> {
    return this.#jobs.delete([...new Set(ids)], this.#time.now())
  }

  async retryJobs(retries: readonly JobRetry[]): Promise<RetriedJob[]> {
    const retried = this.#jobs.retry(retries, this.#time.now())
    this.#listeners.wakeFor(retried)
    return retried.map(({ id, kind }) => ({ id, kind }))
  }

  async reschedule(id: string, change: JobChange): Promise<boolean> {
    const job = this.#jobs.reschedule(id, change, this.#time.now())
    if (job !== undefined) this.#listeners.wakeFor([job])
    return job !== undefined
  }

  async pause(kind: string): Promise<void> {
    this.#paused.add(kind)
  }

  async resume(kind: string): Promise<void> {
    if (this.#paused.delete(kind)) this.#listeners.wakeAll()
  }

  async paused(): Promise<string[]> {
    return [...this.#paused].sort()
  }

  async counts(): Promise<JobCounts> {
    return countJobs(this.#jobs.all)
  }

  async stats(): Promise<KindStats[]> {
    const now = this.#time.now()
    return memoryStats({
      jobs: this.#jobs.all,
      minutes: this.#minutes,
      rules: this.#rules,
      paused: this.#paused,
      now,
    })
  }

  async addMinutes(minutes: readonly KindMinute[]): Promise<void> {
    this.#minutes.add(minutes, this.#time.now())
  }

  async setRules(worker: string, kinds: ReadonlyMap<string, KindRules>): Promise<OtherRules[]> {
    const now = this.#time.now()
    this.#rules.set(worker, kinds, now)
    return this.#rules.others(worker, kinds, now)
  }

  async rateOpensIn(kinds: readonly string[]): Promise<number | undefined> {
    const now = this.#time.now()
    const ready = new Set(
      [...this.#jobs.waiting.all].filter(({ runAt }) => runAt <= now).map(({ kind }) => kind),
    )
    const opens = kinds
      .filter((kind) => ready.has(kind))
      .map((kind) => this.#starts.opensAt(kind, this.#rules.limits(kind, now)) - now)
      .filter((inMs) => inMs > 0)
    return opens.length === 0 ? undefined : Math.min(...opens)
  }

  async unhandledKinds(): Promise<string[]> {
    return this.#rules.unhandled(this.#jobs.waiting.all, this.#time.now())
  }

  async prune(retention: Duration, limit: number): Promise<number> {
    const keptMs = toMs(retention, 'prune: retention')
    return this.#jobs.remove(this.#time.now(), limit, () => keptMs)
  }

  async pruneByRules(): Promise<boolean> {
    const now = this.#time.now()
    this.#jobs.remove(now, Infinity, this.#rules.keptMs(now))
    this.#minutes.prune(Math.floor(now / MINUTE_MS))
    return false
  }

  /** Polling costs nothing here. */
  async quietFor(): Promise<number> {
    return 0
  }

  async listen(onReady: OnReady, kinds?: readonly string[]): Promise<() => Promise<void>> {
    const off = this.#listeners.add(onReady, kinds)
    return async () => off()
  }

  /** All durations move with the clock. */
  #moveTimes(set: ClockSet): void {
    for (const part of [this.#starts, this.#rules]) part.move(set.byMs)
    this.#jobs.move(set)
  }
}

function refuseTransaction(tx: unknown): void {
  if (tx === undefined) return
  throw new InvalidArgumentError('MemoryJobStore does not support { tx }')
}
