import { AsyncScope } from './async-scope.ts'
import type { Link } from './clock-slot.ts'
import type { Timer } from './clock.ts'

/** What makes timers fire. */
export interface TimerQueue {
  /** Schedules the timer for that moment, or for the next turn if it has passed. */
  add(timer: SystemTimer, at: number): void
  remove(timer: SystemTimer): void
}

/**
 * A timer of the system's clock. An object that exists many times and has one timer extends it, so that both are one: with many, a
 * timer mostly waits for memory.
 */
export abstract class SystemTimer implements Timer, Link<SystemTimer> {
  next: Link<SystemTimer> | undefined
  previous: Link<SystemTimer> | undefined
  queue: TimerQueue | undefined
  #immediate: NodeJS.Immediate | undefined

  abstract fire(): void

  clear(): void {
    if (this.next !== undefined) this.queue!.remove(this)
    if (this.#immediate !== undefined) this.#clearImmediate()
  }

  #clearImmediate(): void {
    clearImmediate(this.#immediate)
    this.#immediate = undefined
  }

  restartAt(elapsedMs: number): void {
    this.clear()
    this.queue!.add(this, elapsedMs)
  }

  immediately(): void {
    this.#immediate = setImmediate(() => this.fire())
  }
}

/** Calls back. */
export class CallbackTimer extends SystemTimer {
  readonly #callback: () => void
  /** Entered for the callback: the native timer is shared by all and runs in no stores. */
  readonly #stores: AsyncScope | undefined

  constructor(queue: TimerQueue, callback: () => void, entersStores = false) {
    super()
    this.queue = queue
    this.#callback = callback
    this.#stores = entersStores ? undefined : new AsyncScope()
  }

  override fire(): void {
    if (this.#stores === undefined) this.#callback()
    else this.#stores.run(this.#callback)
  }
}
