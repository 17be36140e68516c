import type { Clock, Timer } from '../../core/clock.ts'

/** How long a worker that was told to end a stream is listened to before it gets another task. */
const SETTLE_MS = 250

/**
 * The end of a stream that nobody reads any more. Whether its worker has understood that it should stop shows in that
 * the stream ends, and in that no answer comes after it.
 */
export class StreamEnd {
  readonly #clock: Clock
  #timer: Timer | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** @param late called when it doesn't end in time */
  await(ms: number, late: () => void): void {
    this.#timer = this.#clock.setTimeout(late, ms)
  }

  get awaited(): boolean {
    return this.#timer !== undefined
  }

  /** The stream has ended that was awaited. Calls `settled` in a moment. */
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
