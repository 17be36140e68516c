import { offAbort, onAbort } from './abort.ts'
import type { Clock } from './clock.ts'

/** Wakes one loop. A ring while nobody waits isn't lost: the next wait ends at once. */
export class Doorbell {
  readonly #clock: Clock
  readonly #signal: AbortSignal
  #rung = false
  #wake: () => void = () => {}

  constructor(clock: Clock, signal: AbortSignal) {
    this.#clock = clock
    this.#signal = signal
  }

  ring(): void {
    this.#rung = true
    this.#wake()
  }

  /** Resolves at a ring, at the abort, or after `ms`. */
  async wait(ms: number): Promise<void> {
    if (!this.#rung && !this.#signal.aborted) await this.#ringWithin(ms)
    this.#rung = false
  }

  #ringWithin(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        timer?.clear()
        offAbort(this.#signal, wake)
        this.#wake = () => {}
        resolve()
      }
      const timer = ms === Infinity ? undefined : this.#clock.setTimeout(wake, ms)
      this.#wake = wake
      onAbort(this.#signal, wake)
    })
  }
}
