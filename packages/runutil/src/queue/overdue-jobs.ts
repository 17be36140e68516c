import type { Clock, Timer } from '../core/clock.ts'
import type { HeldJobs } from './held-jobs.ts'
import type { ClaimedJob } from './job.ts'

/** Whoever waits at two looks has waited for that long, and for less than twice as long. */
const EVERY_MS = 500

/** Gives back what waits too long for its turn: where long jobs run before them, others could have run these. */
export class OverdueJobs {
  readonly #held: HeldJobs
  readonly #clock: Clock
  readonly #giveBack: (jobs: readonly ClaimedJob[]) => void
  /** The last of those that waited at the look before. */
  #seen: ClaimedJob | undefined
  #timer: Timer | undefined

  constructor(held: HeldJobs, clock: Clock, giveBack: (jobs: readonly ClaimedJob[]) => void) {
    this.#held = held
    this.#clock = clock
    this.#giveBack = giveBack
  }

  /** Looks from now on, for as long as there are jobs that wait. */
  watch(): void {
    if (this.#timer !== undefined || this.#held.waiting.length === 0) return
    this.#timer = this.#clock.setTimeout(this.#look, EVERY_MS)
  }

  stop(): void {
    this.#timer?.clear()
  }

  readonly #look = (): void => {
    this.#timer = undefined
    const overdue = this.#seen === undefined ? [] : this.#held.takeWaiting(this.#seen)
    this.#seen = this.#held.waiting.at(-1)
    this.watch()
    if (overdue.length > 0) this.#giveBack(overdue)
  }
}
