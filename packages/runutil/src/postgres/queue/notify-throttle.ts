import { systemClock } from '../../core/clock-system.ts'
import type { Clock } from '../../core/clock.ts'
import { type JobCount, together } from './notice.ts'

/** At most one notification in so long, and one at its end for what came meanwhile. */
const WINDOW_MS = 5

/** Spreads the word that there is something to do, seldom: each notification makes commits wait for one another. */
export class NotifyThrottle {
  readonly #notify: (counts: readonly JobCount[]) => Promise<void>
  readonly #clock: Clock = systemClock
  #quietUntil = -Infinity
  #waiting: JobCount[] = []

  /** @param notify sends one; that it may fail is no harm, since everybody polls as well */
  constructor(notify: (counts: readonly JobCount[]) => Promise<void>) {
    this.#notify = notify
  }

  /** What the statement at hand should notify of; nothing: that will be done at the end of the window. */
  now(counts: readonly JobCount[]): readonly JobCount[] {
    if (counts.length === 0) return counts
    const now = this.#clock.elapsed()
    if (now >= this.#quietUntil) {
      this.#quietUntil = now + WINDOW_MS
      return counts
    }
    if (this.#waiting.length === 0) this.#clock.setTimeoutAt(this.#send, this.#quietUntil)
    this.#waiting.push(...counts)
    return []
  }

  /** For what no statement is at hand. */
  send(counts: readonly JobCount[]): void {
    const now = this.now(counts)
    if (now.length > 0) this.#notify(now).catch(() => {})
  }

  readonly #send = (): void => {
    const counts = together(this.#waiting)
    this.#waiting = []
    this.#quietUntil = this.#clock.elapsed() + WINDOW_MS
    this.#notify(counts).catch(() => {})
  }
}
