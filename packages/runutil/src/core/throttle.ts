import type { Clock, Timer } from './clock.ts'

/**
 * Calls back at once and then, as long as that was for nothing, at most once in a while: what is asked for meanwhile is
 * one call at its end.
 *
 * @example
 * const wake = new Throttle(() => changed.notify(), 10, systemClock)
 * const off = await database.listen('orders', () => wake.call())
 * // Whoever was woken says so when there was something.
 * wake.worthIt()
 */
export class Throttle {
  readonly #callback: () => void
  readonly #everyMs: number
  readonly #clock: Clock
  #quietUntil = -Infinity
  #planned: Timer | undefined
  #stopped = false

  constructor(callback: () => void, everyMs: number, clock: Clock) {
    this.#callback = callback
    this.#everyMs = everyMs
    this.#clock = clock
  }

  call(): void {
    if (this.#planned !== undefined || this.#stopped) return
    if (this.#clock.elapsed() >= this.#quietUntil) return this.#now()
    this.#planned = this.#clock.setTimeoutAt(() => this.#now(), this.#quietUntil)
  }

  /** The last call wasn't for nothing: the next one needn't wait. */
  worthIt(): void {
    this.#quietUntil = -Infinity
    if (this.#planned !== undefined) this.#now()
  }

  /** Nothing is called any more. */
  stop(): void {
    this.#stopped = true
    this.#planned?.clear()
  }

  #now(): void {
    this.#planned?.clear()
    this.#planned = undefined
    this.#quietUntil = this.#clock.elapsed() + this.#everyMs
    this.#callback()
  }
}
