/** Limits how many workers start at a time, since too many at once would all miss their handshake timeout. */
export class StartGate {
  readonly #limit: number
  readonly #waiting = new Set<() => void>()
  #inside = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Calls `begin` at its turn, perhaps at once; call `leave` afterwards. @returns cancels the wait for the turn */
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
