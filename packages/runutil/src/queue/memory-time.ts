import { ClockSteps } from '../core/clock-steps.ts'
import type { Clock } from '../core/clock.ts'

export interface ClockSet {
  readonly byMs: number
  /** The last time read before the change. */
  readonly before: number
  readonly now: number
}

/** The time of day, by a clock that may be set. */
export class MemoryTime {
  readonly #clock: Clock
  readonly #onSet: (set: ClockSet) => void
  readonly #steps = new ClockSteps()
  #unreportedMs = 0
  #last: number

  /** @param onSet called before anything is compared with the new time */
  constructor(clock: Clock, onSet: (set: ClockSet) => void) {
    this.#clock = clock
    this.#onSet = onSet
    this.#last = clock.now()
    this.now()
  }

  now(): number {
    const now = this.#clock.now()
    const { seenMs, sureMs } = this.#steps.check(now, this.#clock.elapsed())
    this.#unreportedMs += sureMs
    if (seenMs !== 0) this.#onSet({ byMs: seenMs, before: this.#last, now })
    this.#last = now
    return now
  }

  /** Reports a confirmed change that wasn't reported yet. */
  reportChange(onClockSet: ((byMs: number) => void) | undefined): void {
    if (this.#unreportedMs === 0 || onClockSet === undefined) return
    onClockSet(this.#unreportedMs)
    this.#unreportedMs = 0
  }
}
