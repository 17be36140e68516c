import type { Clock, Timer } from '../../core/clock.ts'

/** The fraction of its limit after which an unanswered statement makes its connection suspect. */
const SUSPECT = 1 / 4
/** The timer is set this far ahead at most: an idle database mustn't keep the process alive for longer. */
const LONGEST_SLEEP_MS = 1_000
/** A timer this late means that the process was blocked; answers that arrived meanwhile get this long to be read. */
const LATE_MS = 50
const READING_MS = 250

/** A statement that was sent and not yet answered. */
export interface Unanswered {
  readonly sentAt: number
  readonly limitMs: number
  readonly onExpired: () => void
  /** When its connection becomes suspect and, after that, when it expires. */
  nextAt: number
  isSuspect: boolean
}

/**
 * Time limits of statements: one timer for all of a database, set for the earliest.
 *
 * Connections seldom go silent alone. Once a statement has gone unanswered for a quarter of its limit, connections that
 * have received nothing since it was sent aren't used again. Time during which the process was suspended or its event loop
 * blocked doesn't count.
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

  /** @param heardAt when the connection last received something, by `elapsed` */
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

  /** Not set again when none is left: most statements are answered long before. */
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
