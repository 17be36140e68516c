/**
 * Whether a worker still answers. It is suspect from a ping until its answer, but only once it has answered one: another
 * may know nothing of pings.
 */
export class Pulse {
  #answers = false
  #open = false

  /** Whether it has ever answered. */
  get answers(): boolean {
    return this.#answers
  }

  get suspect(): boolean {
    return this.#open && this.#answers
  }

  /** Calls `send`, unless the last ping has no answer yet. */
  ask(send: () => void): void {
    if (this.#open) return
    this.#open = true
    send()
  }

  /** @returns whether it was suspect */
  answered(): boolean {
    const wasSuspect = this.suspect
    this.#answers = true
    this.#open = false
    return wasSuspect
  }
}
