import type { Held } from './job-store.ts'
import type { StoredJob } from './stored-job.ts'

interface Lease {
  until: number
  /** The process that claimed. */
  readonly holder: number | undefined
  readonly jobs: Map<string, StoredJob>
}

/**
 * The jobs whose handlers may be running, by their claim and id. A cancelled job stays until its holder reports
 * that its handler has ended. A lease is removed with its last job.
 */
export class MemoryLeases {
  readonly #leases = new Map<number, Lease>()

  get jobs(): StoredJob[] {
    return [...this.#leases.values()].flatMap(({ jobs }) => [...jobs.values()])
  }

  /** Adds jobs to those that the claim has already. */
  add(claim: number, lease: Omit<Lease, 'jobs'>, jobs: readonly StoredJob[]): void {
    const { jobs: held } = this.#leases.get(claim) ?? { jobs: new Map<string, StoredJob>() }
    if (held.size === 0) this.#leases.set(claim, { ...lease, jobs: held })
    for (const job of jobs) held.set(job.id, job)
  }

  move(byMs: number): void {
    for (const lease of this.#leases.values()) lease.until += byMs
  }

  renew(claim: number, until: number): void {
    const lease = this.#leases.get(claim)
    if (lease !== undefined) lease.until = until
  }

  /** @returns the job, if the claim has it */
  free({ id, claim }: Held): StoredJob | undefined {
    const jobs = this.#leases.get(claim)?.jobs
    const job = jobs?.get(id)
    if (jobs?.delete(id) && jobs.size === 0) this.#leases.delete(claim)
    return job
  }

  /** Ends and returns the expired leases, by claim, except those in `holding`. */
  expire(now: number, holding: ReadonlySet<number> = new Set()): [number, Lease][] {
    const expired = [...this.#leases].filter(([claim, { until }]) => until <= now && !holding.has(claim))
    for (const [claim] of expired) this.#leases.delete(claim)
    return expired
  }
}
