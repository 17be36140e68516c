import type { Held } from './job-store.ts'
import type { StoredJob } from './stored-job.ts'

interface Lease {
  until: number
  readonly jobs: Map<string, StoredJob>
}

/**
 * The jobs whose handlers may be running, by their claim and id. One that is cancelled stays until its holder says that
 * it ended. A lease goes with its last job.
 */
export class MemoryLeases {
  readonly #leases = new Map<number, Lease>()

  get jobs(): StoredJob[] {
    return [...this.#leases.values()].flatMap(({ jobs }) => [...jobs.values()])
  }

  add(claim: number, jobs: readonly StoredJob[], until: number): void {
    this.#leases.set(claim, { until, jobs: new Map(jobs.map((job) => [job.id, job])) })
  }

  renew(claim: number, until: number): void {
    const lease = this.#leases.get(claim)
    if (lease !== undefined) lease.until = until
  }

  free({ id, claim }: Held): void {
    const jobs = this.#leases.get(claim)?.jobs
    if (jobs?.delete(id) && jobs.size === 0) this.#leases.delete(claim)
  }

  /** Ends the leases that have run out. @returns the jobs that they held */
  expire(now: number): StoredJob[] {
    const expired = [...this.#leases].filter(([, { until }]) => until <= now)
    for (const [claim] of expired) this.#leases.delete(claim)
    return expired.flatMap(([, { jobs }]) => [...jobs.values()])
  }
}
