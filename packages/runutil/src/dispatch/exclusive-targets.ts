/** A request for a target, for the task at a position. */
export interface Claimant {
  readonly position: number
  /** Called once, unless the claimant leaves first. */
  readonly onGranted: () => void
}

/** Grants each target to one claimant at a time, the one with the lowest position first. */
export class ExclusiveTargets {
  readonly #holders = new Map<string, Claimant>()
  readonly #asking = new Map<string, Set<Claimant>>()

  ask(target: string, claimant: Claimant): void {
    const asking = this.#asking.get(target) ?? new Set()
    this.#asking.set(target, asking.add(claimant))
    this.#grant(target)
  }

  /** Withdraws a request, or releases the target. */
  leave(target: string, claimant: Claimant): void {
    this.#asking.get(target)?.delete(claimant)
    if (this.#holders.get(target) === claimant) this.#holders.delete(target)
    this.#grant(target)
  }

  #grant(target: string): void {
    const asking = this.#asking.get(target)
    if (asking === undefined || this.#holders.has(target)) return
    const [first] = [...asking].sort((a, b) => a.position - b.position)
    if (first === undefined) {
      this.#asking.delete(target)
      return
    }
    asking.delete(first)
    this.#holders.set(target, first)
    first.onGranted()
  }
}
