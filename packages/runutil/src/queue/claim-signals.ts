import type { Clock } from '../core/clock.ts'
import { Notify } from '../core/notify.ts'

/** What the claiming loop of a run waits for. */
export class ClaimSignals {
  /** There may be something to claim. */
  readonly ready: Notify
  /** There may be room for it. */
  readonly freed: Notify

  /** @param signal ends each wait */
  constructor(clock: Clock, signal: AbortSignal) {
    this.ready = new Notify(clock, signal)
    this.freed = new Notify(clock, signal)
  }

  /** There is room for what has waited for it in the store. */
  notifyBoth(): void {
    this.ready.notify()
    this.freed.notify()
  }
}
