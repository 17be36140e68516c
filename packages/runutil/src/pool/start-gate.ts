/** Lets so many workers come up at a time: many at once would all be too late for their handshake. */
export class StartGate {
  readonly #limit: number
  readonly #waiting = new Set<() => void>()
  #inside = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Calls `begin` in its turn, perhaps at once; `leave` is due after that. @returns gives the turn up before it came */
  enter(begin: () => void): () => void {
    if (this.#inside >= this.#limit) {
      this.#waiting.add(begin)
      return () => void this.#waiting.delete(begin)
    }
    this.#inside++
    begin()
    return () => {}
  }

  leave(): void {
    this.#inside--
    const [next] = this.#waiting
    if (next === undefined || this.#inside >= this.#limit) return
    this.#waiting.delete(next)
    this.#inside++
    next()
  }
}
