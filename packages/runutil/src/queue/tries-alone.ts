import { ExponentialBackoff } from '../core/backoff.ts'
import type { Clock } from '../core/clock.ts'

/** After this many tries, and this long, an outcome counts as the cause of the store's failures. */
const TRIES_ALONE = 10
const TIME_ALONE_MS = 5 * 60_000

const ALONE = new ExponentialBackoff({ initial: 1_000, max: 35_000 })

/** How long an outcome is retried alone. */
export class TriesAlone {
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
    return this.#tries >= TRIES_ALONE && this.#clock.elapsed() - this.#since >= TIME_ALONE_MS
  }

  get delayMs(): number {
    return ALONE.duration(Math.max(1, this.#tries - this.#before + 1), this.#clock)
  }

  failed(): void {
    this.#tries++
  }

  beginAnew(): void {
    this.#tries = 0
    this.#since = this.#clock.elapsed()
  }
}
