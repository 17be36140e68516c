import type { Clock } from '../core/clock.ts'
import { Notify } from '../core/notify.ts'

/** What the claim loop of a run waits for. */
export class ClaimSignals {
  /** There may be jobs to claim. */
  readonly ready: Notify
  /** There may be room for more jobs. */
  readonly freed: Notify

  /** @param signal ends every wait */
  constructor(clock: Clock, signal: AbortSignal) {
    this.ready = new Notify(clock, signal)
    this.freed = new Notify(clock, signal)
  }

  /** There is room for jobs that were held back in the store. */
  notifyBoth(): void {
    this.ready.notify()
    this.freed.notify()
  }
}
