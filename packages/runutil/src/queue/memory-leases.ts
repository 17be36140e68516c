import type { StoredJob } from './stored-job.ts'

interface Lease {
  until: number
  readonly jobs: Set<StoredJob>
}

/** The jobs that are held, by the claim that holds them. A lease goes with its last job. */
export class MemoryLeases {
  readonly #leases = new Map<number, Lease>()

  /** All jobs that are held. */
  get jobs(): StoredJob[] {
    return [...this.#leases.values()].flatMap(({ jobs }) => [...jobs])
  }

  add(claim: number, jobs: readonly StoredJob[], until: number): void {
    this.#leases.set(claim, { until, jobs: new Set(jobs) })
  }

  holds(claim: number, job: StoredJob): boolean {
    return this.#leases.get(claim)?.jobs.has(job) ?? false
  }

  renew(claim: number, until: number): void {
    this.#leases.get(claim)!.until = until
  }

  delete(job: StoredJob): void {
    const lease = job.claim === undefined ? undefined : this.#leases.get(job.claim)
    if (lease?.jobs.delete(job) && lease.jobs.size === 0) this.#leases.delete(job.claim!)
  }

  /** Ends the leases that have run out. @returns the jobs that they held */
  expire(now: number): StoredJob[] {
    const expired = [...this.#leases].filter(([, { until }]) => until <= now)
    for (const [claim] of expired) this.#leases.delete(claim)
    return expired.flatMap(([, { jobs }]) => [...jobs])
  }
}
