import type { JobChange, JobRetry } from './job-operations.ts'
import type { ClaimOptions } from './claim-options.ts'
import type { Held } from './job-store.ts'
import { MemoryDependencies, isBlocked } from './memory-dependencies.ts'
import { MemoryLeases } from './memory-leases.ts'
import type { ClockSet } from './memory-time.ts'
import { type Settlement, isFinal } from './outcome.ts'
import { type StoredJob, moveTime, record } from './stored-job.ts'
import { MemoryUniqueKeys } from './memory-unique-keys.ts'
import { WaitingJobs } from './waiting-jobs.ts'

/** The jobs of a MemoryJobStore: each is waiting, held by a claim, or ended. */
export class MemoryJobs {
  readonly waiting = new WaitingJobs()
  readonly leases = new MemoryLeases()
  readonly unique = new MemoryUniqueKeys()
  readonly #byId = new Map<string, StoredJob>()
  readonly #dependencies = new MemoryDependencies(this.#byId, this.unique)
  readonly #onReady: (jobs: readonly StoredJob[]) => void

  /** @param onReady called with jobs that no longer wait for others */
  constructor(onReady: (jobs: readonly StoredJob[]) => void) {
    this.#onReady = onReady
  }

  get all(): Iterable<StoredJob> {
    return this.#byId.values()
  }

  get(id: string): StoredJob | undefined {
    return this.#byId.get(id)
  }

  /** The others of its call may be missing yet: call `link` when all are there. */
  add(job: StoredJob): void {
    this.#byId.set(job.id, job)
    this.unique.take(job)
    if (!isBlocked(job)) this.waiting.add(job)
  }

  /** Lets the dependencies of new jobs count. */
  link(jobs: readonly StoredJob[], now: number): void {
    this.#unblock(this.#dependencies.added(jobs, now))
  }

  /** Gives a waiting job another payload, time, priority and key, and a trace context if there is one. Everything else stays. */
  replace(
    job: StoredJob,
    by: Pick<StoredJob, 'payload' | 'runAt' | 'delayed' | 'priority' | 'key' | 'traceparent'>,
    now: number,
  ): void {
    const { traceparent = job.traceparent } = by
    const waits = !isBlocked(job)
    if (waits) this.waiting.remove(job)
    // What a claim that it was freed from reports concerns the payload of before.
    Object.assign(job, by, { traceparent, updatedAt: now, freedFrom: undefined })
    if (waits) this.waiting.add(job)
  }

  /** The dependencies of a job that are DONE. */
  dependencies(id: string): StoredJob[] {
    const ids = this.#byId.get(id)?.after?.ids ?? []
    return ids
      .map((dependency) => this.#byId.get(dependency))
      .filter((job) => job?.status === 'DONE') as StoredJob[]
  }

  /** Jobs whose leases expired wait again, with one more crash; the holder's own that aren't in `holding`, without. */
  freeExpired(now: number, { holder, holding }: ClaimOptions): void {
    for (const [claim, lease] of this.leases.expire(now, holding)) {
      const isOwn = holder !== undefined && lease.holder === holder
      for (const job of lease.jobs.values()) {
        this.#handlerEnded(job)
        // Cancelled, and perhaps retried since.
        if (job.claim !== claim || isFinal(job.status)) continue
        if (!isOwn) job.crashes++
        job.freedFrom = isOwn ? undefined : claim
        this.giveBack(job)
      }
    }
  }

  /** A job that hasn't ended. */
  open(id: string): StoredJob | undefined {
    const job = this.#byId.get(id)
    return job !== undefined && !isFinal(job.status) ? job : undefined
  }

  /** The job, if it is held under that claim. */
  held({ id, claim }: Held): StoredJob | undefined {
    const job = this.#byId.get(id)
    return job !== undefined && job.claim === claim && !isFinal(job.status) ? job : undefined
  }

  /** Returns a job that was freed from this claim to it, unless another claim has taken it since. */
  takeBack({ id, claim }: Held, until: number): void {
    const job = this.#byId.get(id)
    if (job === undefined || job.freedFrom !== claim) return
    this.waiting.remove(job)
    this.leases.add(claim, { until, holder: undefined }, [job])
    Object.assign(job, { claim, freedFrom: undefined, crashes: job.crashes - 1 })
  }

  giveBack(job: StoredJob): void {
    job.claim = undefined
    this.waiting.add(job)
  }

  /** @returns whether the claim was still valid */
  settle(settlement: Settlement, now: number): boolean {
    const { id, claim } = settlement
    this.takeBack(settlement, now)
    this.#handlerEnded(this.leases.free(settlement))
    const job = this.#byId.get(id)
    if (job === undefined || job.claim !== claim) return false
    if (isFinal(job.status)) return true
    record(job, settlement, now)
    // An ended job keeps its claim, so that settling it twice succeeds.
    if (isFinal(job.status)) {
      this.unique.free(job)
      this.#ended(job, now)
    } else this.giveBack(job)
    return true
  }

  /** Its handler has ended, or never runs. @returns the job, if its claim is still valid */
  release(held: Held, now: number): StoredJob | undefined {
    this.takeBack(held, now)
    this.#handlerEnded(this.leases.free(held))
    const job = this.held(held)
    if (job !== undefined) this.giveBack(job)
    return job
  }

  /** A job that was cancelled while it ran has kept its unique key until now. */
  #handlerEnded(job: StoredJob | undefined): void {
    if (job !== undefined && isFinal(job.status)) this.unique.free(job)
  }

  /** @returns how many of them were open, and are cancelled */
  cancel(ids: readonly string[], now: number): number {
    const jobs = ids.map((id) => this.open(id)).filter((job) => job !== undefined)
    for (const job of jobs) {
      if (job.claim === undefined) this.unique.free(job)
      this.waiting.remove(job)
      if (isBlocked(job)) job.failedBy = job.id
      const ended = { status: 'FAILED', lastError: 'cancelled', claim: undefined, freedFrom: undefined }
      Object.assign(job, ended, { updatedAt: now })
    }
    for (const job of jobs) this.#ended(job, now)
    return jobs.length
  }

  #ended(job: StoredJob, now: number): void {
    this.#unblock(this.#dependencies.ended(job, now))
  }

  #unblock(ready: readonly StoredJob[]): void {
    for (const job of ready) this.waiting.add(job)
    this.#onReady(ready)
  }

  /** @returns whether the job waits, and so may be claimed at once */
  retryNow(job: StoredJob, now: number): boolean {
    const waits = job.claim === undefined && !isBlocked(job)
    if (waits) this.waiting.remove(job)
    job.runAt = Math.min(job.runAt, now)
    job.delayed = false
    if (waits) this.giveBack(job)
    return waits
  }

  /** @returns those that had failed, and wait again */
  retry(retries: readonly JobRetry[], now: number): StoredJob[] {
    const failed = retries.filter(({ id }) => {
      const job = this.#byId.get(id)
      return job !== undefined && isFailed(job) && this.#dependencies.allowRetry(job)
    })
    // The first of two with one unique key is the one that was enqueued first.
    const bySeq = failed.toSorted((a, b) => this.#byId.get(a.id)!.seq - this.#byId.get(b.id)!.seq)
    const refused = new Set(bySeq.filter(({ id }) => !this.unique.retake(this.#byId.get(id)!)))
    const jobs = failed
      .filter((retry) => !refused.has(retry))
      .map(({ id, payload }) => {
        const job = this.#byId.get(id)!
        Object.assign(job, { status: 'PENDING', runAt: now, delayed: false, updatedAt: now, crashes: 0 })
        job.uncounted = job.attemptsDone
        job.payload = payload ?? job.payload
        job.failedBy = undefined
        job.claim = undefined
        if (!isBlocked(job)) this.waiting.add(job)
        return job
      })
    for (const job of jobs) this.#dependencies.revived(job, now)
    return jobs
  }

  /** @returns the job, if it waits */
  reschedule(id: string, change: JobChange, now: number): StoredJob | undefined {
    const job = this.open(id)
    if (job === undefined || job.claim !== undefined) return undefined
    const { runAt, delayMs, priority, payload } = change
    const waits = !isBlocked(job)
    if (waits) this.waiting.remove(job)
    if (runAt !== undefined || delayMs !== undefined) {
      job.runAt = Math.max(now, runAt?.getTime() ?? now) + (delayMs ?? 0)
      job.delayed = delayMs !== undefined
    }
    job.priority = priority ?? job.priority
    // What a former holder would still report is of another job.
    if (payload !== undefined) Object.assign(job, { payload, freedFrom: undefined })
    job.updatedAt = now
    if (waits) this.waiting.add(job)
    return job
  }

  /** Whether a claim holds the job. */
  runs(id: string): boolean {
    return this.open(id)?.claim !== undefined
  }

  /** Deletes jobs that don't run. An open one ends first; an ended one stays while one after it hasn't ended. @returns how many */
  delete(ids: readonly string[], now: number): number {
    const jobs = ids.map((id) => this.#byId.get(id)).filter((job) => job !== undefined)
    const open = jobs.filter((job) => !isFinal(job.status) && job.claim === undefined)
    this.cancel(
      open.map(({ id }) => id),
      now,
    )
    const gone = jobs.filter(
      (job) => open.includes(job) || (isFinal(job.status) && !this.#dependencies.isNeeded(job)),
    )
    for (const job of gone) this.#remove(job)
    return gone.length
  }

  #remove(job: StoredJob): void {
    this.#byId.delete(job.id)
    this.unique.free(job)
    this.#dependencies.removed(job)
  }

  /** @returns how many ended jobs past their retention were removed */
  remove(now: number, limit: number, keptMs: (job: StoredJob) => number): number {
    const old = [...this.#byId.values()].filter(
      (job) => isFinal(job.status) && job.updatedAt <= now - keptMs(job) && !this.#dependencies.isNeeded(job),
    )
    for (const job of old.slice(0, limit)) this.#remove(job)
    return Math.min(old.length, limit)
  }

  /** All durations move with the clock. */
  move(set: ClockSet): void {
    this.leases.move(set.byMs)
    for (const job of this.#byId.values()) if (!isFinal(job.status)) moveTime(job, set)
    this.waiting.reorder()
  }
}

function isFailed({ status }: StoredJob): boolean {
  return status === 'FAILED' || status === 'PANIC'
}
