import { systemClock } from '../../core/clock-system.ts'

/** How often a process looks for leases that have run out. */
const EVERY_MS = 500

/** Says when it's time to look again. */
export class Rescue {
  #next = -Infinity

  isDue(): boolean {
    const now = systemClock.elapsed()
    if (now < this.#next) return false
    this.#next = now + EVERY_MS
    return true
  }

  /** It is time at once. */
  hasten(): void {
    this.#next = -Infinity
  }
}
