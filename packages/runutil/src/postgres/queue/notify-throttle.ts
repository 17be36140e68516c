import { systemClock } from '../../core/clock-system.ts'
import type { Clock, Timer } from '../../core/clock.ts'
import { type JobCount, together } from './notice.ts'

/** At most one notification in so long. */
const WINDOW_MS = 5

/** What a statement notifies of. */
export interface Notification {
  readonly counts: readonly JobCount[]
  /** The statement failed: what it was to tell of others' jobs is told later. */
  readonly failed: () => void
}

/**
 * Spreads the word that there is something to do, seldom: each notification makes commits wait for one another. What comes
 * within a window goes along with the first statement after it; where none comes for as long again, by one of its own.
 */
export class NotifyThrottle {
  readonly #notify: (counts: readonly JobCount[]) => Promise<void>
  readonly #clock: Clock
  #quietUntil = -Infinity
  #waiting: readonly JobCount[] = []
  #timer: Timer | undefined

  /** @param notify sends one; that it may fail is no harm, since everybody polls as well */
  constructor(notify: (counts: readonly JobCount[]) => Promise<void>, clock: Clock = systemClock) {
    this.#notify = notify
    this.#clock = clock
  }

  /** What the statement at hand should notify of; nothing: that will be done after the window. */
  now(counts: readonly JobCount[]): Notification {
    const others = this.#waiting
    if (counts.length > 0 && this.#clock.elapsed() >= this.#quietUntil) {
      return { counts: this.#take(counts), failed: () => this.#wait(others) }
    }
    this.#wait(counts)
    return { counts: [], failed: () => {} }
  }

  /** For what no statement is at hand. */
  send(counts: readonly JobCount[]): void {
    const now = this.now(counts).counts
    if (now.length > 0) this.#notify(now).catch(() => {})
  }

  #wait(counts: readonly JobCount[]): void {
    if (counts.length === 0) return
    this.#waiting = together([...this.#waiting, ...counts])
    this.#timer ??= this.#clock.setTimeoutAt(this.#sendWaiting, this.#quietUntil + WINDOW_MS)
  }

  /** Those that wait and these; with them, a window begins. */
  #take(counts: readonly JobCount[]): readonly JobCount[] {
    const all = together([...this.#waiting, ...counts])
    this.#waiting = []
    this.#timer?.clear()
    this.#timer = undefined
    this.#quietUntil = this.#clock.elapsed() + WINDOW_MS
    return all
  }

  readonly #sendWaiting = (): void => {
    this.#notify(this.#take([])).catch(() => {})
  }
}
