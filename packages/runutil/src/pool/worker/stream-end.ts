import type { Clock, Timer } from '../../core/clock.ts'

/** How long to watch for further output of a worker that was asked to end a stream, before it gets another task. */
const SETTLE_MS = 250

/**
 * Awaits the end of a stream that has lost its reader. A worker that understood the request to stop ends the stream, and sends no
 * answer after it.
 */
export class StreamEnd {
  readonly #clock: Clock
  #timer: Timer | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** @param late called when the stream doesn't end in time */
  await(ms: number, late: () => void): void {
    this.#timer = this.#clock.setTimeout(late, ms)
  }

  get awaited(): boolean {
    return this.#timer !== undefined
  }

  /** The awaited stream has ended. Calls `settled` after SETTLE_MS. */
  reached(settled: () => void): void {
    this.#timer?.clear()
    this.#timer = this.#clock.setTimeout(() => {
      this.#timer = undefined
      settled()
    }, SETTLE_MS)
  }

  clear(): void {
    this.#timer?.clear()
  }
}
