import type { Clock } from '../core/clock.ts'
import type { ClaimedJob } from './job.ts'
import type { ObservedJobStore } from './observed-job-store.ts'
import type { JobSettlement } from './outcome.ts'
import type { RunClaims } from './run-claims.ts'
import type { RunOutcomes } from './run-outcomes.ts'
import type { WorkerRules } from './worker-rules.ts'

export interface SettlingClaimsProps {
  readonly store: ObservedJobStore
  readonly clock: Clock
  readonly rules: WorkerRules
  readonly claims: RunClaims
  readonly outcomes: RunOutcomes
}

/** How many outcomes a claim settles, and how many jobs it claims then. For more, two calls side by side are faster. */
const MOST = 16
/** After so many claims in a row that found nothing where one without outcomes did, the next ones are without. */
const MOST_MISSES = 2
const APART_MS = 100

/**
 * Claims that settle outcomes as well, where the store can do both in one call: for workers that claim as many jobs as have ended,
 * one or a few, that is half of the calls. Where they bring no job, an ordinary claim has to follow.
 */
export class SettlingClaims {
  readonly #props: SettlingClaimsProps
  #misses = 0
  #apartUntil = -Infinity
  #hasMissed = false

  constructor(props: SettlingClaimsProps) {
    this.#props = props
  }

  /** @returns no jobs where there is nothing to settle. Never rejects: what failed is tried again without the other */
  async claim(limit: number, startable: number): Promise<ClaimedJob[]> {
    const { store, outcomes } = this.#props
    this.#hasMissed = false
    let jobs: ClaimedJob[] = []
    if (limit > MOST || !store.settlesAndClaims || this.#isApart) return jobs
    await outcomes.handOver(MOST, async (batch) => {
      this.#hasMissed = true
      const answer = await this.#settleAndClaim(batch, limit, startable)
      jobs = answer.jobs
      return answer.lost
    })
    if (jobs.length > 0) this.#misses = 0
    return jobs
  }

  /** An ordinary claim has brought jobs, after `claim` brought none. */
  claimedApart(): void {
    if (this.#hasMissed && ++this.#misses >= MOST_MISSES)
      this.#apartUntil = this.#props.clock.elapsed() + APART_MS
  }

  get #isApart(): boolean {
    return this.#props.rules.limited || this.#props.clock.elapsed() < this.#apartUntil
  }

  /** @returns lost: undefined when the store wasn't asked */
  async #settleAndClaim(
    batch: readonly JobSettlement[],
    limit: number,
    startable: number,
  ): Promise<{ jobs: ClaimedJob[]; lost: readonly JobSettlement[] | undefined }> {
    const { store, claims } = this.#props
    let lost: readonly JobSettlement[] | undefined
    const jobs = await claims.claim(limit, startable, async (...request) => {
      const answer = await store.settleAndClaim(batch, ...request)
      lost = answer.lost
      return answer.jobs
    })
    return { jobs, lost }
  }
}
