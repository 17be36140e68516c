const LEAST_MS = 25

/**
 * How long after its claim a job of a kind with a rate may start. Its start counts for that much longer, so that no window
 * has too many starts; jobs that arrive from the server later than that have to be released.
 */
export class StartMargin {
  #ms = LEAST_MS

  get ms(): number {
    return this.#ms
  }

  /**
   * Whether a claim came back in time. The next ones get a margin of twice the time taken, so that a slow server costs a few
   * starts, not all; the margin shrinks again gradually.
   *
   * @param margin the margin that the claim was sent with
   */
  isKept(tookMs: number, margin: number): boolean {
    this.#ms = Math.max(LEAST_MS, tookMs * 2, this.#ms * 0.9)
    return tookMs <= margin
  }
}
