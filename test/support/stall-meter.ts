const EVERY_MS = 50

/** Measures for how long the machine, or this process, was too busy to keep a timer: what a limit of time has to allow for. */
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
