import { systemClock } from '../core/clock-system.ts'
import type { Clock } from '../core/clock.ts'
import { type Duration, toMs, toStorableMs } from '../core/duration.ts'
import { InvalidArgumentError } from '../core/errors.ts'
import { checkOptions } from '../core/options.ts'
import { ErrJobExists } from './errors.ts'
import type {
  ClaimOptions,
  Held,
  InTransaction,
  JobCounts,
  JobStore,
  JobStoreFacts,
  NewJob,
} from './job-store.ts'
import type { ClaimedJob, QueuedJob } from './job.ts'
import type { KindRules, OtherRules } from './kind-rules.ts'
import { checkMaxJson } from './max-json.ts'
import { MemoryClaim } from './memory-claim.ts'
import { MemoryLeases } from './memory-leases.ts'
import { Allowance, MemoryStarts } from './memory-limits.ts'
import { MemoryRules } from './memory-rules.ts'
import { type ClockSet, MemoryTime } from './memory-time.ts'
import { type Settlement, checkStorable, isFinal } from './outcome.ts'
import { type OnReady, ReadyListeners } from './ready-listeners.ts'
import {
  type StoredJob,
  countJobs,
  moveTime,
  newStoredJob,
  record,
  toClaimedJob,
  toQueuedJob,
} from './stored-job.ts'
import { WaitingJobs } from './waiting-jobs.ts'

export interface MemoryJobStoreOptions {
  /** Default: the system's. */
  clock?: Clock | undefined
  /** So many characters of JSON a payload or a result may have. Default 4 MiB. */
  maxJson?: number | undefined
}

/**
 * Jobs in this process's memory, gone when it ends: for tests, and to read how a store behaves.
 *
 * A job is either waiting, or held by a claim, or ended.
 *
 * Source: seed 001, JobQueue.
 */
export class MemoryJobStore implements JobStore, JobStoreFacts {
  readonly maxJson: number
  readonly #time: MemoryTime
  readonly #jobs = new Map<string, StoredJob>()
  readonly #waiting = new WaitingJobs()
  readonly #leases = new MemoryLeases()
  readonly #rules = new MemoryRules()
  readonly #starts = new MemoryStarts()
  readonly #listeners: ReadyListeners
  #seq = 0
  #claim = 0

  constructor(options: MemoryJobStoreOptions = {}) {
    const what = 'MemoryJobStore'
    const { clock = systemClock, maxJson } = checkOptions(what, options, ['clock', 'maxJson'])
    this.#listeners = new ReadyListeners(clock)
    this.maxJson = checkMaxJson(maxJson, what)
    this.#time = new MemoryTime(clock, (set) => this.#moveTimes(set))
  }

  // Async, here and below, so that what is thrown is a rejection, as of any other store.
  async insert(jobs: readonly NewJob[], { tx }: InTransaction = {}): Promise<void> {
    refuseTransaction(tx)
    const ids = new Set<string>()
    const taken = jobs.filter(({ id }) => this.#jobs.has(id) || ids.size === ids.add(id).size)
    if (taken.length > 0) throw new ErrJobExists(taken.map(({ id }) => id))
    const now = this.#time.now()
    for (const job of jobs) {
      const stored = newStoredJob(job, ++this.#seq, now)
      this.#jobs.set(job.id, stored)
      this.#waiting.add(stored)
    }
    this.#listeners.wakeFor(jobs)
  }

  async claim(
    kinds: readonly string[],
    limit: number,
    lease: Duration,
    options: ClaimOptions = {},
  ): Promise<ClaimedJob[]> {
    const leaseMs = toStorableMs(lease, 'claim: lease')
    const now = this.#time.now()
    this.#time.tell(options.onClockSet)
    this.#rescue(now, options)
    const { jobs } = this.#choose(new Set(kinds), new MemoryClaim(limit, options), now)
    if (jobs.length === 0) return []
    const claim = ++this.#claim
    this.#leases.add(claim, { until: now + leaseMs, holder: options.holder }, jobs)
    for (const job of jobs) {
      this.#waiting.remove(job)
      Object.assign(job, { claim, claimedAt: now, freedFrom: undefined })
      this.#starts.started(job.kind, this.#rules.limits(job.kind, now), now)
    }
    return jobs.map(toClaimedJob)
  }

  #rescue(now: number, { holder, holding }: ClaimOptions): void {
    for (const [claim, lease] of this.#leases.expire(now, holding)) {
      const isOwn = holder !== undefined && lease.holder === holder
      for (const job of lease.jobs.values()) {
        if (isFinal(job.status)) continue
        if (!isOwn) job.crashes++
        job.freedFrom = isOwn ? undefined : claim
        this.#giveBack(job)
      }
    }
  }

  #choose(kinds: Set<string>, chosen: MemoryClaim, now: number): MemoryClaim {
    const held = this.#leases.jobs
    const allowances = new Map([...kinds].map((kind) => [kind, this.#allowance(kind, held, now)]))
    for (const job of this.#waiting.all) {
      if (chosen.isFull) break
      const allowance = allowances.get(job.kind)
      if (job.runAt > now || !allowance?.allows(job.key) || chosen.leaves(job)) continue
      allowance.take(job.key)
      chosen.add(job)
    }
    return chosen
  }

  #allowance(kind: string, held: readonly StoredJob[], now: number): Allowance {
    const limits = this.#rules.limits(kind, now)
    const running = held.filter((job) => job.kind === kind)
    return new Allowance(limits, running, this.#starts.room(kind, limits, now))
  }

  async settle<S extends Settlement>(batch: readonly S[], { tx }: InTransaction = {}): Promise<S[]> {
    refuseTransaction(tx)
    checkStorable(batch)
    const now = this.#time.now()
    return batch.filter((settlement) => !this.#settleOne(settlement, now))
  }

  #settleOne(settlement: Settlement, now: number): boolean {
    const { id, claim, outcome } = settlement
    this.#takeBack(settlement, now)
    this.#leases.free(settlement)
    const job = this.#jobs.get(id)
    if (job === undefined || job.claim !== claim) return false
    if (isFinal(job.status)) return true
    record(job, outcome, now)
    // An ended job keeps its claim: settling it twice is no loss.
    if (!isFinal(job.status)) this.#giveBack(job)
    return true
  }

  async renew<H extends Held>(held: readonly H[], lease: Duration): Promise<H[]> {
    const until = this.#time.now() + toStorableMs(lease, 'renew: lease')
    return held.filter((one) => {
      this.#takeBack(one, until)
      this.#leases.renew(one.claim, until)
      return this.#heldJob(one) === undefined
    })
  }

  async release(held: readonly Held[]): Promise<void> {
    const released: StoredJob[] = []
    for (const one of held) {
      this.#takeBack(one, this.#time.now())
      this.#leases.free(one)
      const job = this.#heldJob(one)
      if (job === undefined) continue
      this.#giveBack(job)
      released.push(job)
    }
    this.#listeners.wakeFor(released)
  }

  async get(id: string): Promise<QueuedJob | undefined> {
    const job = this.#jobs.get(id)
    return job && toQueuedJob(job)
  }

  async cancel(id: string): Promise<boolean> {
    const job = this.#openJob(id)
    if (job === undefined) return false
    this.#waiting.remove(job)
    const ended = { status: 'FAILED', lastError: 'cancelled', claim: undefined, freedFrom: undefined }
    Object.assign(job, ended, { updatedAt: this.#time.now() })
    return true
  }

  async retryNow(id: string): Promise<boolean> {
    const job = this.#openJob(id)
    if (job === undefined) return false
    const waits = job.claim === undefined
    if (waits) this.#waiting.remove(job)
    job.runAt = Math.min(job.runAt, this.#time.now())
    job.delayed = false
    if (!waits) return true
    this.#giveBack(job)
    this.#listeners.wakeFor([job])
    return true
  }

  async counts(): Promise<JobCounts> {
    return countJobs(this.#jobs.values())
  }

  async setRules(worker: string, kinds: ReadonlyMap<string, KindRules>): Promise<OtherRules[]> {
    const now = this.#time.now()
    this.#rules.set(worker, kinds, now)
    return this.#rules.others(worker, kinds, now)
  }

  async rateOpensIn(kinds: readonly string[]): Promise<number | undefined> {
    const now = this.#time.now()
    const ready = new Set([...this.#waiting.all].filter(({ runAt }) => runAt <= now).map(({ kind }) => kind))
    const opens = kinds
      .filter((kind) => ready.has(kind))
      .map((kind) => this.#starts.opensAt(kind, this.#rules.limits(kind, now)) - now)
      .filter((inMs) => inMs > 0)
    return opens.length === 0 ? undefined : Math.min(...opens)
  }

  async unhandledKinds(): Promise<string[]> {
    return this.#rules.unhandled(this.#waiting.all, this.#time.now())
  }

  async prune(retention: Duration, limit: number): Promise<number> {
    const keptMs = toMs(retention, 'prune: retention')
    return this.#remove(limit, () => keptMs)
  }

  async pruneByRules(): Promise<boolean> {
    const retentions = this.#rules.retentions(this.#time.now())
    this.#remove(Infinity, ({ kind, status }) => {
      const { doneMs = Infinity, failedMs = Infinity } = retentions.get(kind) ?? {}
      return status === 'DONE' ? doneMs : failedMs
    })
    return false
  }

  #remove(limit: number, keptMs: (job: StoredJob) => number): number {
    const now = this.#time.now()
    const old = [...this.#jobs.values()].filter(
      (job) => isFinal(job.status) && job.updatedAt <= now - keptMs(job),
    )
    for (const job of old.slice(0, limit)) this.#jobs.delete(job.id)
    return Math.min(old.length, limit)
  }

  /** To look costs nothing here. */
  async quietFor(): Promise<number> {
    return 0
  }

  async listen(onReady: OnReady, kinds?: readonly string[]): Promise<() => Promise<void>> {
    const off = this.#listeners.add(onReady, kinds)
    return async () => off()
  }

  /** Whatever counts from a moment moves with the clock. */
  #moveTimes(set: ClockSet): void {
    for (const part of [this.#leases, this.#starts, this.#rules]) part.move(set.byMs)
    for (const job of this.#jobs.values()) if (!isFinal(job.status)) moveTime(job, set)
    this.#waiting.reorder()
  }

  #openJob(id: string): StoredJob | undefined {
    const job = this.#jobs.get(id)
    return job !== undefined && !isFinal(job.status) ? job : undefined
  }

  #heldJob({ id, claim }: Held): StoredJob | undefined {
    const job = this.#jobs.get(id)
    return job !== undefined && job.claim === claim && !isFinal(job.status) ? job : undefined
  }

  /** Of a job that was freed from this claim, and that no other has taken since. */
  #takeBack({ id, claim }: Held, until: number): void {
    const job = this.#jobs.get(id)
    if (job === undefined || job.freedFrom !== claim) return
    this.#waiting.remove(job)
    this.#leases.add(claim, { until, holder: undefined }, [job])
    Object.assign(job, { claim, freedFrom: undefined, crashes: job.crashes - 1 })
  }

  #giveBack(job: StoredJob): void {
    job.claim = undefined
    this.#waiting.add(job)
  }
}

function refuseTransaction(tx: unknown): void {
  if (tx === undefined) return
  throw new InvalidArgumentError('MemoryJobStore: expected no tx, since memory takes part in no transaction')
}
