import { type Backoff, longestWaitMs, waitMsOf } from '../core/backoff.ts'
import type { Clock } from '../core/clock.ts'

/** The minimum time between two starts of a worker that returns at once without an error. */
const SHORTEST_RUN_MS = 10

/** Caps the time after which a worker counts as recovered. */
const LONGEST_RECOVERY_MS = 60_000

/** Counts consecutive failures and computes the delay before the next run. */
export class Attempts {
  readonly #backoff: Backoff
  readonly #clock: Clock
  /** The longest delay so far. */
  #longestMs = SHORTEST_RUN_MS
  #startedAt = 0
  #recoveryMs = SHORTEST_RUN_MS
  count = 0

  constructor(backoff: Backoff, clock: Clock) {
    this.#backoff = backoff
    this.#clock = clock
  }

  /** A run that lasts longer than this counts as recovered. */
  get recoveryMs(): number {
    return this.#recoveryMs
  }

  begin(): void {
    this.#startedAt = this.#clock.elapsed()
  }

  /**
   * The delay before the next run, in ms.
   *
   * @throws InvalidDurationError if the backoff gives no valid delay; its cause is the thrown error
   */
  ended(thrown: { error: unknown } | undefined): number {
    const uptime = this.#clock.elapsed() - this.#startedAt
    if (thrown === undefined) {
      this.count = 0
      const shortestMs = Math.max(SHORTEST_RUN_MS, waitMsOf(this.#backoff, 1, undefined))
      return uptime < shortestMs ? shortestMs : 0
    }
    this.#failed(uptime)
    const delayMs = waitMsOf(this.#backoff, this.count, thrown.error)
    this.#longestMs = Math.max(this.#longestMs, delayMs)
    this.#recoveryMs = Math.max(SHORTEST_RUN_MS, delayMs, Math.min(uptime, LONGEST_RECOVERY_MS))
    return delayMs
  }

  /** For a failure without a next run: the backoff is not called. */
  endedForGood(): void {
    this.#failed(this.#clock.elapsed() - this.#startedAt)
  }

  #failed(uptime: number): void {
    // A user's own backoff is asked for its longest delay only when it matters.
    if (uptime > this.#longestMs && uptime > longestWaitMs(this.#backoff)) this.count = 0
    this.count++
  }
}
