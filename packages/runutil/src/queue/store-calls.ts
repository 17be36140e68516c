import type { Clock } from '../core/clock.ts'
import { StoreTimeout } from '../core/store-timeout.ts'
import { untilAvailable } from '../core/until-available.ts'
import type { RunEnd } from './run-end.ts'
import type { RunLog } from './run-log.ts'

export interface StoreCallsProps {
  readonly clock: Clock
  readonly end: RunEnd
  readonly log: RunLog
  /** How long workers may go on after the abort; undefined: no limit. */
  readonly graceMs: number | undefined
}

/** A worker run's store calls, except outcomes and renewals, which have their own retries. */
export class StoreCalls {
  readonly #props: StoreCallsProps
  readonly #timeout: StoreTimeout

  constructor(props: StoreCallsProps) {
    this.#props = props
    this.#timeout = new StoreTimeout(props.clock, props.graceMs)
  }

  /**
   * Retries while the store can't be reached, until the run stops; then waits a moment for the answer.
   *
   * @param onLate called with an answer that arrives after that
   */
  ask<T>(call: () => Promise<T>, onLate?: (answer: T) => void): Promise<T> {
    const { clock, end, log } = this.#props
    const { signal } = end
    const onRetry = (error: unknown, delayMs: number): void => log.unavailable('claims', error, delayMs)
    const answer = untilAvailable(call, { clock, signal, givesUp: () => end.isStopping, onRetry })
    return this.#timeout.bound(answer, { onLate })
  }

  /** Calls once, and waits no longer than a moment after the run has stopped. */
  askOnce<T>(call: () => Promise<T>): Promise<T> {
    return this.#timeout.bound(call())
  }

  stop(): void {
    this.#timeout.stop()
  }
}
