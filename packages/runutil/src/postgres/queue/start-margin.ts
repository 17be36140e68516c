const LEAST_MS = 25

/**
 * How long after its claim a job of a kind with a rate may start. Its place in the window is kept for so much longer, so
 * that no window has too many starts; what comes back from the server later than that has to be given back.
 */
export class StartMargin {
  #ms = LEAST_MS

  get ms(): number {
    return this.#ms
  }

  /**
   * Whether a claim came back in time. The next ones have room for twice as long, so that a slow server costs a few
   * starts and not each; the margin shrinks again gradually.
   *
   * @param margin what the claim was sent with
   */
  isKept(tookMs: number, margin: number): boolean {
    this.#ms = Math.max(LEAST_MS, tookMs * 2, this.#ms * 0.9)
    return tookMs <= margin
  }
}
