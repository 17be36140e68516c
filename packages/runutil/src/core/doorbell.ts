import { offAbort, onAbort } from './abort.ts'
import type { Clock } from './clock.ts'

/** Wakes one loop. A ring while nobody waits isn't lost: the next wait ends at once. */
export class Doorbell {
  readonly #clock: Clock
  readonly #signal: AbortSignal
  #rung = false
  #waits = false
  #wake: () => void = () => {}

  constructor(clock: Clock, signal: AbortSignal) {
    this.#clock = clock
    this.#signal = signal
  }

  /** @returns whether anybody waited for it */
  ring(): boolean {
    const waits = this.#waits
    this.#rung = true
    this.#wake()
    return waits
  }

  /** Resolves at a ring, at the abort, or after `ms`. @returns whether it was rung */
  async wait(ms: number): Promise<boolean> {
    if (!this.#rung && !this.#signal.aborted) await this.#ringWithin(ms)
    const rung = this.#rung
    this.#rung = false
    return rung
  }

  #ringWithin(ms: number): Promise<void> {
    this.#waits = true
    return new Promise((resolve) => {
      const wake = (): void => {
        timer?.clear()
        offAbort(this.#signal, wake)
        this.#wake = () => {}
        this.#waits = false
        resolve()
      }
      const timer = ms === Infinity ? undefined : this.#clock.setTimeout(wake, ms)
      this.#wake = wake
      onAbort(this.#signal, wake)
    })
  }
}
