import { systemClock } from '../../core/clock-system.ts'

/** How often a process looks for expired leases. */
const EVERY_MS = 500

/** Decides when to look for expired leases again. */
export class ExpiryCheck {
  #next = -Infinity

  /** Whether `isDue` would return true. */
  get isPending(): boolean {
    return systemClock.elapsed() >= this.#next
  }

  isDue(): boolean {
    const now = systemClock.elapsed()
    if (now < this.#next) return false
    this.#next = now + EVERY_MS
    return true
  }

  /** Makes it due at once. */
  hasten(): void {
    this.#next = -Infinity
  }
}
