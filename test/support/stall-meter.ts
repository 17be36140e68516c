const EVERY_MS = 50

/** Measures the longest delay of a timer by a busy machine or process, which time limits in tests have to allow for. */
export class StallMeter {
  #longestMs = 0
  #expected = performance.now() + EVERY_MS
  readonly #timer = setInterval(() => this.#look(), EVERY_MS)

  get longestMs(): number {
    this.#look()
    return this.#longestMs
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #look(): void {
    const now = performance.now()
    this.#longestMs = Math.max(this.#longestMs, now - this.#expected)
    this.#expected = now + EVERY_MS
  }
}
