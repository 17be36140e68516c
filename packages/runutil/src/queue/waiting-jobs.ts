import { type StoredJob, byUrgency } from './stored-job.ts'

/** Jobs that nobody holds, the most urgent first. */
export class WaitingJobs {
  readonly #jobs: StoredJob[] = []

  get all(): Iterable<StoredJob> {
    return this.#jobs
  }

  add(job: StoredJob): void {
    this.#jobs.splice(this.#placeOf(job), 0, job)
  }

  /** Before its priority or `runAt` changes: it is looked for by them. */
  remove(job: StoredJob): void {
    const at = this.#placeOf(job)
    if (this.#jobs[at] === job) this.#jobs.splice(at, 1)
  }

  /** After their `runAt` has changed. */
  reorder(): void {
    this.#jobs.sort(byUrgency)
  }

  /** Where it is, or would go. */
  #placeOf(job: StoredJob): number {
    let low = 0
    let high = this.#jobs.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (byUrgency(this.#jobs[middle]!, job) < 0) low = middle + 1
      else high = middle
    }
    return low
  }
}
