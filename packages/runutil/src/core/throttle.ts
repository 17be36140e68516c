import type { Clock, Timer } from './clock.ts'

/**
 * Calls back at once; after a call that found nothing to do, at most once per interval: further calls within it are merged into
 * one at its end.
 *
 * @example
 * const wake = new Throttle(() => changed.notify(), 10, systemClock)
 * const off = await database.listen('orders', () => wake.call())
 * // The woken loop reports that there was something to do.
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

  /** Reports that the last call found something to do: the next one need not wait. */
  worthIt(): void {
    this.#quietUntil = -Infinity
    if (this.#planned !== undefined) this.#now()
  }

  /** Makes no calls from now on. */
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
