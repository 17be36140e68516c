import { type StoredJob, byUrgency } from './stored-job.ts'

/** Jobs that no claim holds, the most urgent first. */
export class WaitingJobs {
  readonly #jobs: StoredJob[] = []

  get all(): Iterable<StoredJob> {
    return this.#jobs
  }

  add(job: StoredJob): void {
    this.#jobs.splice(this.#placeOf(job), 0, job)
  }

  /** Call before its priority or `runAt` changes, since it is looked up by them. */
  remove(job: StoredJob): void {
    const at = this.#placeOf(job)
    if (this.#jobs[at] === job) this.#jobs.splice(at, 1)
  }

  /** Call after the `runAt` of jobs has changed. */
  reorder(): void {
    this.#jobs.sort(byUrgency)
  }

  /** The index of the job, or where it would be inserted. */
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
