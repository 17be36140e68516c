import type { StoredJob } from './stored-job.ts'

/** Which job of a kind holds a unique key. */
export class MemoryUniqueKeys {
  readonly #holders = new Map<string, StoredJob>()

  holder(kind: string, key: string): StoredJob | undefined {
    return this.#holders.get(nameOf(kind, key))
  }

  take(job: StoredJob): void {
    if (job.unique !== undefined) this.#holders.set(nameOf(job.kind, job.unique.key), job)
  }

  /** @returns false when another job holds its key */
  retake(job: StoredJob): boolean {
    const holder = job.unique && this.holder(job.kind, job.unique.key)
    if (holder !== undefined && holder !== job) return false
    this.take(job)
    return true
  }

  /** A claim takes the job. */
  started(job: StoredJob): void {
    if (job.unique?.until === 'started') this.free(job)
  }

  free(job: StoredJob): void {
    if (job.unique === undefined || this.holder(job.kind, job.unique.key) !== job) return
    this.#holders.delete(nameOf(job.kind, job.unique.key))
  }
}

function nameOf(kind: string, key: string): string {
  return JSON.stringify([kind, key])
}
