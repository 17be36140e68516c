import { circleError, findCircle, unknownDependencies } from './dependencies.ts'
import { ErrInvalidJob, ErrJobExists } from './errors.ts'
import { EncodedForAnotherError, otherKindText } from './existing-job.ts'
import type { InsertOptions, NewJob } from './job-store.ts'
import type { Enqueued } from './job.ts'
import type { MemoryJobs } from './memory-jobs.ts'
import { type StoredJob, newStoredJob, runTime } from './stored-job.ts'

interface Insertion {
  readonly jobs: MemoryJobs
  readonly now: number
  readonly nextSeq: () => number
}

/** Stores all jobs or none, as JobStore.insert. */
export function insertJobs(
  jobs: readonly NewJob[],
  options: InsertOptions,
  insertion: Insertion,
): Enqueued[] {
  const plan = new InsertPlan(insertion)
  for (const job of jobs) plan.add(job, options)
  return plan.carryOut()
}

/** What a call would do, found out before it does any of it. */
class InsertPlan {
  readonly #insertion: Insertion
  readonly #enqueued: Enqueued[] = []
  readonly #steps: (() => void)[] = []
  readonly #stored: StoredJob[] = []
  /** By the ids of jobs that aren't stored under them: those of the jobs that are there instead. */
  readonly #insteadOf = new Map<string, string>()
  /** Jobs that the call itself stores. */
  readonly #byId = new Map<string, StoredJob>()
  readonly #byKey = new Map<string, StoredJob>()
  readonly #existing: StoredJob[] = []
  readonly #existingKeys = new Map<string, string>()
  readonly #encodedForAnother = new Map<number, string>()

  constructor(insertion: Insertion) {
    this.#insertion = insertion
  }

  /** @throws ErrInvalidJob */
  add(job: NewJob, { onExists = 'fail', maxDelayMs = Infinity }: InsertOptions): void {
    const byId = this.#byId.get(job.id) ?? this.#insertion.jobs.get(job.id)
    const there = byId ?? this.#holder(job)
    if (there === undefined) return this.#store(job)
    if (there.id !== job.id) this.#insteadOf.set(job.id, there.id)
    if (onExists === 'fail') {
      this.#existing.push(there)
      if (byId === undefined) this.#existingKeys.set(there.id, job.unique!.key)
    }
    if (onExists !== 'replace') return this.#skip(there)
    if (there.kind !== job.kind) throw new ErrInvalidJob(otherKindText(job, there.kind))
    const waits = there.status === 'PENDING' && there.claim === undefined
    if (waits) this.#replace(there, job, maxDelayMs)
    else this.#skip(there)
  }

  /** @throws ErrJobExists, EncodedForAnotherError, ErrInvalidJob */
  carryOut(): Enqueued[] {
    if (this.#existing.length > 0) {
      throw new ErrJobExists([...new Set(this.#existing.map(({ id }) => id))], this.#existingKeys)
    }
    if (this.#encodedForAnother.size > 0) throw new EncodedForAnotherError(this.#encodedForAnother)
    this.#resolveDependencies()
    for (const step of this.#steps) step()
    const { jobs, now } = this.#insertion
    jobs.link(this.#stored, now)
    return this.#enqueued
  }

  /** @throws ErrInvalidJob for one that is neither stored nor of this call */
  #resolveDependencies(): void {
    const { jobs } = this.#insertion
    const unknown: string[] = []
    for (const job of this.#stored) {
      if (job.after === undefined) continue
      const ids = [...new Set(job.after.ids.map((id) => this.#insteadOf.get(id) ?? id))]
      unknown.push(...ids.filter((id) => !this.#byId.has(id) && jobs.get(id) === undefined))
      job.after = { ...job.after, ids }
      job.waitsFor = new Set(ids)
    }
    if (unknown.length > 0) throw unknownDependencies(unknown)
    if (this.#insteadOf.size > 0 && findCircle(this.#stored) !== undefined) throw circleError()
  }

  #holder({ kind, unique }: NewJob): StoredJob | undefined {
    if (unique === undefined) return undefined
    return (
      this.#byKey.get(JSON.stringify([kind, unique.key])) ??
      this.#insertion.jobs.unique.holder(kind, unique.key)
    )
  }

  #store(job: NewJob): void {
    const { jobs, now, nextSeq } = this.#insertion
    const stored = newStoredJob(job, nextSeq(), now)
    this.#checkEncoding(job, stored)
    this.#byId.set(job.id, stored)
    this.#stored.push(stored)
    if (job.unique !== undefined) this.#byKey.set(JSON.stringify([job.kind, job.unique.key]), stored)
    this.#enqueued.push({ id: job.id, outcome: 'stored' })
    this.#steps.push(() => jobs.add(stored))
  }

  #replace(there: StoredJob, by: NewJob, maxDelayMs: number): void {
    const { jobs, now } = this.#insertion
    this.#checkEncoding(by, there)
    const { payload, priority, key, traceparent } = by
    const due = Math.max(now, Math.min(runTime(by, now), there.createdAt + maxDelayMs))
    // One that is due stays where it is, however often it is replaced.
    const runAt = due <= now && there.runAt <= now ? there.runAt : due
    const delayed = by.delayMs !== undefined
    this.#enqueued.push({ id: there.id, outcome: 'replaced' })
    this.#steps.push(() => jobs.replace(there, { payload, priority, key, runAt, delayed, traceparent }, now))
  }

  #skip({ id }: StoredJob): void {
    this.#enqueued.push({ id, outcome: 'skipped' })
  }

  #checkEncoding({ encodedFor }: NewJob, { id }: StoredJob): void {
    if (encodedFor !== undefined && encodedFor !== id) this.#encodedForAnother.set(this.#enqueued.length, id)
  }
}
