/** Who asks for a target, with the place of what is to be done with it. */
export interface Claimant {
  readonly place: number
  /** It is called once, unless who asks gives up before. */
  readonly onGranted: () => void
}

/** Grants each target to one at a time: of those that ask, to whoever has the lowest place. */
export class ExclusiveTargets {
  readonly #holders = new Map<string, Claimant>()
  readonly #asking = new Map<string, Set<Claimant>>()

  ask(target: string, claimant: Claimant): void {
    const asking = this.#asking.get(target) ?? new Set()
    this.#asking.set(target, asking.add(claimant))
    this.#grant(target)
  }

  /** Whoever asked, or was granted it, no longer wants it. */
  leave(target: string, claimant: Claimant): void {
    this.#asking.get(target)?.delete(claimant)
    if (this.#holders.get(target) === claimant) this.#holders.delete(target)
    this.#grant(target)
  }

  #grant(target: string): void {
    const asking = this.#asking.get(target)
    if (asking === undefined || this.#holders.has(target)) return
    const [first] = [...asking].sort((a, b) => a.place - b.place)
    if (first === undefined) {
      this.#asking.delete(target)
      return
    }
    asking.delete(first)
    this.#holders.set(target, first)
    first.onGranted()
  }
}
