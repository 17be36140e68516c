import type { Held } from '../../queue/job-store.ts'

/** Which jobs of each claim are still held, so that a lease is deleted with its last job instead of expiring. */
export class OpenClaims {
  readonly #open = new Map<number, Set<string>>()

  claimed(jobs: readonly Held[]): void {
    for (const { id, claim } of jobs) {
      const ids = this.#open.get(claim)
      if (ids === undefined) this.#open.set(claim, new Set([id]))
      else ids.add(id)
    }
  }

  /** The claims that have no job left once these have ended. */
  finishedBy(jobs: readonly Held[]): number[] {
    const ending = new Map<number, Set<string>>()
    for (const { id, claim } of jobs) {
      if (!this.#open.get(claim)?.has(id)) continue
      ending.set(claim, (ending.get(claim) ?? new Set()).add(id))
    }
    return [...ending]
      .filter(([claim, ids]) => this.#open.get(claim)?.size === ids.size)
      .map(([claim]) => claim)
  }

  ended(jobs: readonly Held[]): void {
    for (const { id, claim } of jobs) {
      const ids = this.#open.get(claim)
      if (ids?.delete(id) && ids.size === 0) this.#open.delete(claim)
    }
  }
}
