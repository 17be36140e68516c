import type {
  AttemptError,
  JobChange,
  LeasedJob,
  JobStatus,
  NewJob,
  Outcome,
  QueuedJob,
  ResolvedLimits,
} from 'runutil/queue'

interface ModelJob extends NewJob {
  readonly seq: number
  readonly createdAt: number
  dueAt: number
  status: JobStatus
  endedAt: number
  result: string | undefined
  lastError: string | undefined
  attemptsDone: number
  /** Of those that ended in no stop, and in an error. */
  attempts: number
  errors: AttemptError[]
  lastAttemptAt: number | undefined
  crashes: number
  /** Who holds it, or ended it. */
  claim: number | undefined
  claimedAt: number
  leaseUntil: number
  /** Whose lease ran out, until another claims the job. */
  freedFrom: number | undefined
}

/** What a JobStore does, as plainly as can be: every question walks all jobs. */
export class JobStoreModel {
  readonly jobs = new Map<string, ModelJob>()
  readonly limits = new Map<string, ResolvedLimits>()
  /** All that were ever claimed, so that stale ones are tried too. */
  readonly claimed: LeasedJob[] = []
  /** Cancelled while they ran. They keep their places until their holder says that they ended. */
  #cancelled: ModelJob[] = []
  readonly #starts: { kind: string; at: number }[] = []
  #now: number
  #seq = 0

  constructor(now: number) {
    this.#now = now
  }

  /** @returns the ids that are in the way; then nothing is stored */
  insert(jobs: readonly NewJob[]): string[] {
    const taken = jobs.filter(
      ({ id }, at) => this.jobs.has(id) || jobs.findIndex((job) => job.id === id) < at,
    )
    if (taken.length === 0) for (const job of jobs) this.jobs.set(job.id, this.#stored(job))
    return taken.map(({ id }) => id)
  }

  #stored(job: NewJob): ModelJob {
    return {
      ...job,
      seq: ++this.#seq,
      createdAt: this.#now,
      status: 'PENDING',
      endedAt: 0,
      crashes: 0,
      dueAt: Math.max(this.#now, job.runAt?.getTime() ?? 0) + (job.delayMs ?? 0),
      attemptsDone: 0,
      attempts: 0,
      errors: [],
      lastAttemptAt: undefined,
      result: undefined,
      lastError: undefined,
      claim: undefined,
      claimedAt: 0,
      leaseUntil: 0,
      freedFrom: undefined,
    }
  }

  advance(ms: number): void {
    this.#now += ms
    this.#cancelled = this.#cancelled.filter((job) => job.leaseUntil > this.#now)
    for (const job of this.#running()) {
      if (job.leaseUntil > this.#now) continue
      job.crashes++
      job.freedFrom = job.claim
      job.claim = undefined
    }
  }

  /** @returns which jobs a claim has to bring, in order */
  next(kinds: readonly string[], limit: number): ModelJob[] {
    const ready = [...this.jobs.values()]
      .filter((job) => job.status === 'PENDING' && job.claim === undefined && job.dueAt <= this.#now)
      .filter(({ kind }) => kinds.includes(kind))
      .sort((a, b) => b.priority - a.priority || a.dueAt - b.dueAt || a.seq - b.seq)
    const chosen: ModelJob[] = []
    for (const job of ready) if (chosen.length < limit && this.#allows(job, chosen)) chosen.push(job)
    return chosen
  }

  #allows({ kind, key }: ModelJob, chosen: readonly ModelJob[]): boolean {
    const { concurrency = Infinity, keyConcurrency = Infinity, rate } = this.limits.get(kind) ?? {}
    const busy = [...this.#running(), ...this.#cancelled, ...chosen].filter((job) => job.kind === kind)
    const started = this.#starts.filter(
      (start) => start.kind === kind && start.at > this.#now - (rate?.perMs ?? 0),
    )
    const starts = started.length + chosen.filter((job) => job.kind === kind).length
    return (
      busy.length < concurrency &&
      (key === undefined || busy.filter((job) => job.key === key).length < keyConcurrency) &&
      (rate === undefined || starts < rate.limit)
    )
  }

  claim(jobs: readonly LeasedJob[], leaseMs: number): void {
    for (const job of jobs) {
      const leaseUntil = this.#now + leaseMs
      Object.assign(this.jobs.get(job.id)!, {
        claim: job.claim,
        claimedAt: this.#now,
        leaseUntil,
        freedFrom: undefined,
      })
      this.#starts.push({ kind: job.kind, at: this.#now })
      this.claimed.push(job)
    }
  }

  /** @returns false when it is lost */
  settle(claimed: LeasedJob, outcome: Outcome): boolean {
    const { id, claim } = claimed
    this.#endCancelled(claimed)
    this.#takeBack(claimed, this.#now)
    const job = this.jobs.get(id)
    if (job?.claim !== claim) return false
    if (job.status !== 'PENDING') return true
    job.crashes = 0
    if (outcome.status !== 'PENDING' || outcome.counted) {
      job.attemptsDone++
      if (outcome.status !== 'PENDING' || !outcome.stopped) job.attempts++
      job.lastAttemptAt = job.claimedAt
    }
    if (outcome.status !== 'DONE' && outcome.lastError !== undefined) {
      const isOfAttempt = outcome.status !== 'PENDING' || (outcome.counted && !outcome.stopped)
      const error = { at: new Date(this.#now), attempt: claimed.attempt, message: outcome.lastError }
      if (isOfAttempt) job.errors = [...job.errors, error].slice(-5)
    }
    job.status = outcome.status
    job.lastError = outcome.status === 'DONE' ? undefined : outcome.lastError
    job.result = outcome.status === 'DONE' ? outcome.result : undefined
    if (outcome.status === 'PENDING') {
      job.claim = undefined
      job.dueAt = this.#now + outcome.delayMs
    } else job.endedAt = this.#now
    return true
  }

  holds({ id, claim }: LeasedJob): boolean {
    const job = this.jobs.get(id)
    return job?.status === 'PENDING' && job.claim === claim
  }

  renew(claimed: LeasedJob, leaseMs: number): boolean {
    for (const job of this.#cancelled) if (job.claim === claimed.claim) job.leaseUntil = this.#now + leaseMs
    this.#takeBack(claimed, this.#now)
    if (!this.holds(claimed)) return false
    this.jobs.get(claimed.id)!.leaseUntil = this.#now + leaseMs
    return true
  }

  release(claimed: LeasedJob): void {
    this.#endCancelled(claimed)
    this.#takeBack(claimed, this.#now)
    if (this.holds(claimed)) this.jobs.get(claimed.id)!.claim = undefined
  }

  cancel(id: string): boolean {
    const job = this.jobs.get(id)
    if (job?.status !== 'PENDING') return false
    if (job.claim !== undefined) this.#cancelled.push({ ...job })
    Object.assign(job, { status: 'FAILED', lastError: 'cancelled', endedAt: this.#now })
    Object.assign(job, { claim: undefined, freedFrom: undefined })
    return true
  }

  retryNow(id: string): boolean {
    const job = this.jobs.get(id)
    if (job?.status !== 'PENDING') return false
    job.dueAt = Math.min(job.dueAt, this.#now)
    return true
  }

  /** @returns whether it had failed */
  retry(id: string, payload?: string): boolean {
    const job = this.jobs.get(id)
    if (job?.status !== 'FAILED' && job?.status !== 'PANIC') return false
    Object.assign(job, { status: 'PENDING', dueAt: this.#now, claim: undefined, crashes: 0, attempts: 0 })
    if (payload !== undefined) Object.assign(job, { payload })
    return true
  }

  /** @returns whether it was there and didn't run */
  delete(id: string): boolean {
    const job = this.jobs.get(id)
    if (job === undefined || (job.status === 'PENDING' && job.claim !== undefined)) return false
    return this.jobs.delete(id)
  }

  /** @returns whether it waits */
  reschedule(id: string, { delayMs, priority, payload }: JobChange): boolean {
    const job = this.jobs.get(id)
    if (job?.status !== 'PENDING' || job.claim !== undefined) return false
    if (delayMs !== undefined) job.dueAt = this.#now + delayMs
    if (priority !== undefined) Object.assign(job, { priority })
    if (payload !== undefined) Object.assign(job, { payload, freedFrom: undefined })
    return true
  }

  /** Ended at least so long ago. */
  prunable(retentionMs: number): string[] {
    const old = [...this.jobs.values()].filter(
      ({ status, endedAt }) => status !== 'PENDING' && endedAt <= this.#now - retentionMs,
    )
    return old.map(({ id }) => id)
  }

  get(id: string): Omit<QueuedJob, 'updatedAt'> | undefined {
    const job = this.jobs.get(id)
    if (job === undefined) return undefined
    const { kind, status, attemptsDone, result, lastError, lastAttemptAt, priority, key, errors } = job
    return {
      id,
      kind,
      status,
      attemptsDone,
      priority,
      payload: JSON.parse(job.payload) as unknown,
      runAt: new Date(job.dueAt),
      createdAt: new Date(job.createdAt),
      ...(key !== undefined && { key }),
      ...(errors.length > 0 && { errors }),
      ...(status !== 'PENDING' && { endedAt: new Date(job.endedAt) }),
      ...(result !== undefined && { result: JSON.parse(result) as unknown }),
      ...(lastError !== undefined && { lastError }),
      ...(lastAttemptAt !== undefined && { lastAttemptAt: new Date(lastAttemptAt) }),
    }
  }

  counts(): Record<string, Record<string, number>> {
    const counts: Record<string, Record<string, number>> = {}
    for (const { kind, status, claim } of this.jobs.values()) {
      const ofKind = (counts[kind] ??= { PENDING: 0, RUNNING: 0, DONE: 0, FAILED: 0, PANIC: 0 })
      const shown = status === 'PENDING' && claim !== undefined ? 'RUNNING' : status
      ofKind[shown] = ofKind[shown]! + 1
    }
    return counts
  }

  /** The ids of the jobs that a list has. */
  list(status: string | undefined, kind: string | undefined): string[] {
    const isListed = (job: ModelJob): boolean => {
      if (kind !== undefined && job.kind !== kind) return false
      if (status === 'WAITING') return job.status === 'PENDING' && job.claim === undefined
      if (status === 'RUNNING') return job.status === 'PENDING' && job.claim !== undefined
      return status === undefined || job.status === status
    }
    const isByEnd = ['DONE', 'FAILED', 'PANIC'].includes(status!)
    const byEnd = (a: ModelJob, b: ModelJob): number => b.endedAt - a.endedAt || (a.id < b.id ? 1 : -1)
    return [...this.jobs.values()]
      .filter(isListed)
      .sort(isByEnd ? byEnd : (a, b) => b.seq - a.seq)
      .map(({ id }) => id)
  }

  /** What its holder says late counts while no other has claimed the job. */
  #takeBack({ id, claim }: LeasedJob, leaseUntil: number): void {
    const job = this.jobs.get(id)
    if (job?.freedFrom !== claim) return
    Object.assign(job, { claim, leaseUntil, freedFrom: undefined, crashes: job.crashes - 1 })
  }

  #endCancelled({ id, claim }: LeasedJob): void {
    this.#cancelled = this.#cancelled.filter((job) => job.id !== id || job.claim !== claim)
  }

  #running(): ModelJob[] {
    return [...this.jobs.values()].filter(({ status, claim }) => status === 'PENDING' && claim !== undefined)
  }
}
