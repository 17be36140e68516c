import { offAbort, onAbort } from './abort.ts'
import type { Clock } from './clock.ts'

/** Wakes one waiting loop. A notification without a waiter is kept: the next wait ends at once. Several are kept as one. */
export class Notify {
  readonly #clock: Clock
  readonly #signal: AbortSignal | undefined
  #notified = false
  #wake: (() => void) | undefined

  /** @param signal ends each wait when it aborts */
  constructor(clock: Clock, signal?: AbortSignal) {
    this.#clock = clock
    this.#signal = signal
  }

  /** @returns whether a wait was ended */
  notify(): boolean {
    const isAwaited = this.#wake !== undefined
    this.#notified = true
    this.#wake?.()
    return isAwaited
  }

  /** Drops a kept notification: to be called before the loop looks for what it is notified of. */
  forget(): void {
    this.#notified = false
  }

  /** Resolves at a notification, at the abort, or after `ms`. @returns whether it was notified */
  async wait(ms: number): Promise<boolean> {
    if (!this.#notified && this.#signal?.aborted !== true) await this.#waitUpTo(ms)
    const wasNotified = this.#notified
    this.#notified = false
    return wasNotified
  }

  #waitUpTo(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        timer?.clear()
        offAbort(this.#signal, wake)
        this.#wake = undefined
        resolve()
      }
      const timer = ms === Infinity ? undefined : this.#clock.setTimeout(wake, ms)
      this.#wake = wake
      onAbort(this.#signal, wake)
    })
  }
}
