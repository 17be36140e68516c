import { type Backoff, longestWaitMs, waitMsOf } from '../core/backoff.ts'
import type { Clock } from '../core/clock.ts'

/** A worker that returns at once, without error, is still not restarted more often than this. */
const SHORTEST_RUN_MS = 10

/** However long it took to fail before. */
const LONGEST_RECOVERY_MS = 60_000

/** How often in a row it failed, and how long to wait before the next run. */
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

  /** A run that lasts for longer is no repetition of the last one. */
  get recoveryMs(): number {
    return this.#recoveryMs
  }

  begin(): void {
    this.#startedAt = this.#clock.elapsed()
  }

  /**
   * How long to wait before the next run.
   *
   * @throws InvalidDurationError, caused by what was thrown, when the backoff doesn't say
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

  /** It failed when no other run comes: the backoff isn't asked. */
  endedForGood(): void {
    this.#failed(this.#clock.elapsed() - this.#startedAt)
  }

  #failed(uptime: number): void {
    // A backoff of the user's own is asked how far it goes only when it matters.
    if (uptime > this.#longestMs && uptime > longestWaitMs(this.#backoff)) this.count = 0
    this.count++
  }
}
