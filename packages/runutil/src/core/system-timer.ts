import { AsyncScope } from './async-scope.ts'
import type { Link } from './clock-slot.ts'
import type { Timer } from './clock.ts'

/** What makes timers fire. */
export interface TimerQueue {
  /** Schedules the timer for that moment, or for the next turn if it has passed. */
  add(timer: SystemTimer, at: number): void
  remove(timer: SystemTimer): void
  /** The promise that the timer began when it last fired has settled. */
  ended(timer: SystemTimer): void
}

/**
 * A timer of the system's clock. An object that exists many times and has one timer extends it, so that both are one: with many, a
 * timer mostly waits for memory.
 */
export abstract class SystemTimer implements Timer, Link<SystemTimer> {
  next: Link<SystemTimer> | undefined
  previous: Link<SystemTimer> | undefined
  queue: TimerQueue | undefined
  /** Whether the promise that it last began has settled in the same turn. */
  isPrompt = false
  #immediate: NodeJS.Immediate | undefined

  /** Returns whether it has begun a promise; once that has settled, the timer tells `queue`. */
  abstract fire(): boolean

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
    this.#immediate = setImmediate(() => void this.fire())
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

  override fire(): boolean {
    if (this.#stores === undefined) this.#callback()
    else this.#stores.run(this.#callback)
    return false
  }
}
