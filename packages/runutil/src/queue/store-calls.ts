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

/** Calls of a store for a worker's run, outcomes and renewals aside, which have their own ways to try again. */
export class StoreCalls {
  readonly #props: StoreCallsProps
  readonly #timeout: StoreTimeout

  constructor(props: StoreCallsProps) {
    this.#props = props
    this.#timeout = new StoreTimeout(props.clock, props.graceMs)
  }

  /**
   * Tries for as long as the store can't be reached, unless told to stop; then it waits a moment for the answer.
   *
   * @param onLate gets an answer that comes after that
   */
  ask<T>(call: () => Promise<T>, onLate?: (answer: T) => void): Promise<T> {
    const { clock, end, log } = this.#props
    const { signal } = end
    const onRetry = (error: unknown, delayMs: number): void => log.unavailable('claims', error, delayMs)
    const answer = untilAvailable(call, { clock, signal, givesUp: () => end.isStopping, onRetry })
    return this.#timeout.bound(answer, { onLate })
  }

  stop(): void {
    this.#timeout.stop()
  }
}
