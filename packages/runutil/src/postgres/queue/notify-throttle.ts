import { systemClock } from '../../core/clock-system.ts'
import { type Clock } from '../../core/clock.ts'

/** At most one notification in so long, and one at its end for what came meanwhile. */
const WINDOW_MS = 5

/** Spreads the word that there is something to do, seldom: each notification makes commits wait for one another. */
export class NotifyThrottle {
  readonly #notify: () => Promise<void>
  readonly #clock: Clock = systemClock
  #quietUntil = -Infinity
  #planned = false

  /** @param notify sends one; that it may fail is no harm, since everybody polls as well */
  constructor(notify: () => Promise<void>) {
    this.#notify = notify
  }

  /** True when the statement at hand should notify; else it will be done at the end of the window. */
  now(): boolean {
    const now = this.#clock.elapsed()
    if (now >= this.#quietUntil) {
      this.#quietUntil = now + WINDOW_MS
      return true
    }
    if (!this.#planned) {
      this.#planned = true
      this.#clock.setTimeoutAt(this.#send, this.#quietUntil)
    }
    return false
  }

  readonly #send = (): void => {
    this.#planned = false
    this.#quietUntil = this.#clock.elapsed() + WINDOW_MS
    this.#notify().catch(() => {})
  }
}
