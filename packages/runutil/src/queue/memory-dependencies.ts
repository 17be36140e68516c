import { dependencyFailed } from './dependencies.ts'
import { isFinal } from './outcome.ts'
import type { MemoryUniqueKeys } from './memory-unique-keys.ts'
import type { StoredJob } from './stored-job.ts'

/** Whether it waits for other jobs, and so is no job to claim. */
export function isBlocked({ status, waitsFor }: StoredJob): boolean {
  return !isFinal(status) && waitsFor.size > 0
}

/** Which jobs of a MemoryJobStore run after which. */
export class MemoryDependencies {
  readonly #jobs: ReadonlyMap<string, StoredJob>
  readonly #unique: MemoryUniqueKeys
  /** By the id of a job, those that run after it. */
  readonly #dependents = new Map<string, Set<StoredJob>>()

  constructor(jobs: ReadonlyMap<string, StoredJob>, unique: MemoryUniqueKeys) {
    this.#jobs = jobs
    this.#unique = unique
  }

  /** Call when all jobs of a call are stored. @returns those of them that wait for no other by now */
  added(jobs: readonly StoredJob[], now: number): StoredJob[] {
    const before = new Set<StoredJob>()
    for (const job of jobs) {
      for (const id of job.after?.ids ?? []) {
        this.#of(id).add(job)
        before.add(this.#jobs.get(id)!)
      }
    }
    return [...before].filter(({ status }) => isFinal(status)).flatMap((job) => this.ended(job, now))
  }

  /** A job has ended. Ends those after it if they can't run any more. @returns those that wait for no other now */
  ended(first: StoredJob, now: number): StoredJob[] {
    const ready: StoredJob[] = []
    const ended = [first]
    for (let job = ended.pop(); job !== undefined; job = ended.pop()) {
      for (const dependent of this.#dependents.get(job.id) ?? []) {
        if (!dependent.waitsFor.has(job.id)) continue
        if (job.status === 'DONE' || dependent.after!.on === 'end') {
          dependent.waitsFor.delete(job.id)
          if (dependent.waitsFor.size > 0 || isFinal(dependent.status)) continue
          dependent.runAt = Math.max(dependent.runAt, now)
          ready.push(dependent)
        } else if (!isFinal(dependent.status)) {
          const failedBy = job.failedBy ?? job.id
          Object.assign(dependent, { status: 'FAILED', failedBy, updatedAt: now })
          dependent.lastError = dependencyFailed(failedBy)
          this.#unique.free(dependent)
          ended.push(dependent)
        }
      }
    }
    return ready
  }

  /**
   * A job that had failed is PENDING again: so are those that ended by it, unless another of theirs has failed, or another job has
   * their unique key.
   */
  revived(first: StoredJob, now: number): void {
    const revived = [first]
    for (let job = revived.pop(); job !== undefined; job = revived.pop()) {
      for (const dependent of this.#dependents.get(job.id) ?? []) {
        const { failedBy } = dependent
        if (failedBy === undefined || failedBy === dependent.id || this.#hasFailed(dependent)) continue
        if (!this.#unique.retake(dependent)) continue
        Object.assign(dependent, {
          status: 'PENDING',
          failedBy: undefined,
          lastError: undefined,
          updatedAt: now,
        })
        revived.push(dependent)
      }
    }
  }

  /** Whether no dependency of a failed job stands in the way. */
  allowRetry(job: StoredJob): boolean {
    const { failedBy } = job
    return failedBy === undefined || (failedBy === job.id && !this.#hasFailed(job))
  }

  /** Also by one that was removed since, whatever has been enqueued under its id. */
  #hasFailed(job: StoredJob): boolean {
    return [...job.waitsFor].some(
      (id) => this.#dependents.get(id)?.has(job) !== true || isFinal(this.#jobs.get(id)!.status),
    )
  }

  /** Whether a job that runs after it hasn't ended. */
  isNeeded({ id }: StoredJob): boolean {
    return [...(this.#dependents.get(id) ?? [])].some(({ status }) => !isFinal(status))
  }

  /** The job is no longer stored. */
  removed(job: StoredJob): void {
    this.#dependents.delete(job.id)
    for (const id of job.after?.ids ?? []) this.#dependents.get(id)?.delete(job)
  }

  #of(id: string): Set<StoredJob> {
    const known = this.#dependents.get(id)
    if (known !== undefined) return known
    const dependents = new Set<StoredJob>()
    this.#dependents.set(id, dependents)
    return dependents
  }
}
