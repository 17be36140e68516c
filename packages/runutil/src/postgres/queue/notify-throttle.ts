import { systemClock } from '../../core/clock-system.ts'
import type { Clock, Timer } from '../../core/clock.ts'
import { type JobCount, sumCounts } from './notice.ts'

/** At most one notification per window. */
const WINDOW_MS = 5

/** The notification that a statement sends. */
export interface Notification {
  readonly counts: readonly JobCount[]
  /** Call when the statement failed: its counts of other jobs are sent later. */
  readonly failed: () => void
}

/**
 * Limits notifications of new jobs, since each one serializes commits. Counts that arrive within a window go with the first
 * statement after it or, if none comes for as long again, with a statement of their own.
 */
export class NotifyThrottle {
  readonly #notify: (counts: readonly JobCount[]) => Promise<void>
  readonly #clock: Clock
  #quietUntil = -Infinity
  #waiting: readonly JobCount[] = []
  #timer: Timer | undefined

  /** @param notify sends one; may fail, since workers poll as well */
  constructor(notify: (counts: readonly JobCount[]) => Promise<void>, clock: Clock = systemClock) {
    this.#notify = notify
    this.#clock = clock
  }

  /** The counts that the current statement should send; empty: they are sent after the window. */
  now(counts: readonly JobCount[]): Notification {
    const others = this.#waiting
    if (counts.length > 0 && this.#clock.elapsed() >= this.#quietUntil) {
      return { counts: this.#take(counts), failed: () => this.#wait(others) }
    }
    this.#wait(counts)
    return { counts: [], failed: () => {} }
  }

  /** Sends counts without a statement that could carry them. */
  send(counts: readonly JobCount[]): void {
    const now = this.now(counts).counts
    if (now.length > 0) this.#notify(now).catch(() => {})
  }

  #wait(counts: readonly JobCount[]): void {
    if (counts.length === 0) return
    this.#waiting = sumCounts([...this.#waiting, ...counts])
    this.#timer ??= this.#clock.setTimeoutAt(this.#sendWaiting, this.#quietUntil + WINDOW_MS)
  }

  /** Returns the waiting counts and these, and begins a window. */
  #take(counts: readonly JobCount[]): readonly JobCount[] {
    const all = sumCounts([...this.#waiting, ...counts])
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
