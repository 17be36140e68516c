/**
 * Whether a worker still answers pings. It is suspect from a ping until its answer, but only if it has answered one before:
 * other workers may not support pings.
 */
export class PingState {
  #answers = false
  #open = false

  /** Whether the worker has ever answered a ping. */
  get answers(): boolean {
    return this.#answers
  }

  get suspect(): boolean {
    return this.#open && this.#answers
  }

  /** Calls `send`, unless the last ping has no answer yet. */
  send(send: () => void): void {
    if (this.#open) return
    this.#open = true
    send()
  }

  /** @returns whether the worker was suspect */
  answered(): boolean {
    const wasSuspect = this.suspect
    this.#answers = true
    this.#open = false
    return wasSuspect
  }
}
