import type { Held } from '../../queue/job-store.ts'

/** Which jobs of each claim are still held, so that a lease is deleted with its last job instead of expiring. */
export class OpenClaims {
  readonly #open = new Map<number, Set<string>>()

  claimed(jobs: readonly Held[]): void {
    let last: number | undefined
    let ids = new Set<string>()
    for (const { id, claim } of jobs) {
      if (claim !== last) {
        last = claim
        ids = this.#open.get(claim) ?? new Set()
        this.#open.set(claim, ids)
      }
      ids.add(id)
    }
  }

  /**
   * The claims that have no job left once these have ended.
   *
   * @param jobs each of them once
   */
  finishedBy(jobs: readonly Held[]): number[] {
    const ending = new Map<number, number>()
    for (const { id, claim } of jobs) {
      if (this.#open.get(claim)?.has(id)) ending.set(claim, (ending.get(claim) ?? 0) + 1)
    }
    return [...ending]
      .filter(([claim, count]) => this.#open.get(claim)!.size === count)
      .map(([claim]) => claim)
  }

  /** @param finished what `finishedBy` said of them: their jobs needn't be deleted one by one */
  ended(jobs: readonly Held[], finished: readonly number[]): void {
    for (const claim of finished) this.#open.delete(claim)
    for (const { id, claim } of jobs) {
      const ids = this.#open.get(claim)
      if (ids?.delete(id) && ids.size === 0) this.#open.delete(claim)
    }
  }
}
