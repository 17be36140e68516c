import { ExponentialBackoff } from '../core/backoff.ts'
import type { Clock } from '../core/clock.ts'

/** After this many tries, and this long, an outcome counts as the cause of the store's failures. */
const MAX_TRIES = 10
const MAX_TIME_MS = 5 * 60_000

const DELAYS = new ExponentialBackoff({ initial: 1_000, max: 35_000 })

/** How long an outcome is retried alone. */
export class IndividualRetries {
  readonly #clock: Clock
  readonly #before: number
  #tries: number
  #since: number

  /** @param before how often it was tried in batches */
  constructor(clock: Clock, before: number) {
    this.#clock = clock
    this.#before = before
    this.#tries = before
    this.#since = clock.elapsed()
  }

  get isOver(): boolean {
    return this.#tries >= MAX_TRIES && this.#clock.elapsed() - this.#since >= MAX_TIME_MS
  }

  get delayMs(): number {
    return DELAYS.duration(Math.max(1, this.#tries - this.#before + 1), this.#clock)
  }

  failed(): void {
    this.#tries++
  }

  reset(): void {
    this.#tries = 0
    this.#since = this.#clock.elapsed()
  }
}
