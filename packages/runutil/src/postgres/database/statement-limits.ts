import type { Clock, Timer } from '../../core/clock.ts'

/** Of its limit, the part after which a statement without an answer makes its connection suspect. */
const SUSPECT = 1 / 4
/** How far ahead the timer is set at most: an idle database mustn't keep the process for longer. */
const LONGEST_SLEEP_MS = 1_000
/** What woke this late was held up itself; answers that came meanwhile get this long to be read. */
const LATE_MS = 50
const READING_MS = 250

/** A statement that was sent and isn't answered. */
export interface Unanswered {
  readonly sentAt: number
  readonly limitMs: number
  readonly onExpired: () => void
  /** When its connection becomes suspect and, after that, when it has expired. */
  nextAt: number
  isSuspect: boolean
}

/**
 * How long statements may take to be answered: one timer for all of a database, that of the earliest.
 *
 * Connections seldom go silent alone. Once a statement has had no answer for a quarter of its limit, connections that
 * said nothing since it was sent aren't used again. Time in which the process was frozen or its loop blocked doesn't count.
 */
export class StatementLimits {
  readonly #clock: Clock
  readonly #unanswered = new Set<Unanswered>()
  #timer: Timer | undefined
  #armedFor = Infinity
  #suspectBefore = -Infinity

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** @param heardAt when a connection said something last; by `elapsed` */
  isSuspect(heardAt: number): boolean {
    return heardAt < this.#suspectBefore
  }

  /** @param onExpired called when `end` wasn't called in time */
  begin(limitMs: number, onExpired: () => void): Unanswered {
    const sentAt = this.#clock.elapsed()
    const one = { sentAt, limitMs, onExpired, nextAt: sentAt + limitMs * SUSPECT, isSuspect: false }
    this.#unanswered.add(one)
    this.#wakeBy(Math.min(one.nextAt, sentAt + LONGEST_SLEEP_MS))
    return one
  }

  end(one: Unanswered): void {
    this.#unanswered.delete(one)
  }

  stop(): void {
    this.#timer?.clear()
    this.#armedFor = Infinity
    this.#unanswered.clear()
  }

  #wakeBy(at: number): void {
    if (at >= this.#armedFor) return
    this.#armedFor = at
    if (this.#timer === undefined) this.#timer = this.#clock.setTimeoutAt(this.#wake, at)
    else this.#timer.restartAt(at)
  }

  /** When none is left, it sleeps until the next one begins: most have been answered long before. */
  readonly #wake = (): void => {
    const now = this.#clock.elapsed()
    const lateMs = now - this.#armedFor
    this.#armedFor = Infinity
    if (this.#unanswered.size === 0) return
    let earliest = now + LONGEST_SLEEP_MS
    for (const one of this.#unanswered) {
      if (lateMs > LATE_MS) one.nextAt += lateMs + READING_MS
      if (one.nextAt <= now) this.#isDue(one)
      if (this.#unanswered.has(one)) earliest = Math.min(earliest, one.nextAt)
    }
    if (this.#unanswered.size > 0) this.#wakeBy(earliest)
  }

  #isDue(one: Unanswered): void {
    if (one.isSuspect) {
      this.#unanswered.delete(one)
      one.onExpired()
      return
    }
    one.isSuspect = true
    one.nextAt += one.limitMs * (1 - SUSPECT)
    this.#suspectBefore = Math.max(this.#suspectBefore, one.sentAt)
  }
}
