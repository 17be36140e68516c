import { asciiText } from '../core/text.ts'
import { OutageLog } from '../core/outage-log.ts'
import { StoreUnavailableError } from '../core/store-unavailable-error.ts'
import { untilAvailable } from '../core/until-available.ts'
import type { UpdateOptions } from './action-ledger.ts'
import { type ActionRecord, LOST, type RecordChange } from './action.ts'
import { ErrNoSuchAction } from './errors.ts'
import type { Ending } from './handler-result.ts'
import { type ManagerSettings, clockOf } from './manager-options.ts'
import type { WorkerInfo } from './task-exchange.ts'

/** How long calls to an unreachable ledger are retried: enough for a database to restart. */
const RETRY_FOR_MS = 20_000

export type Change = Omit<RecordChange, 'updatedAt'>

/** Changes actions in the ledger. Changes are idempotent, so calls are retried until the ledger answers. */
export class ActionChanges {
  readonly #settings: ManagerSettings
  readonly #outage = new OutageLog('change actions in the ledger')

  constructor(settings: ManagerSettings) {
    this.#settings = settings
  }

  /** @throws ErrNoSuchAction, ErrActionEnded; the error of the ledger once it has been unreachable for 20 s */
  update(change: Change): Promise<ActionRecord> {
    return this.#updateWithRetries(change, {}, AbortSignal.abort())
  }

  /**
   * Ends an action that the worker has performed, unless it has already ended or no longer exists. Retries until `signal` has
   * aborted and 20 s have passed. An error text that the ledger cannot store is written in ASCII.
   */
  async end(id: string, ending: Ending, doneBy: WorkerInfo, signal: AbortSignal): Promise<void> {
    const options = { ifRunning: true, doneBy }
    try {
      await this.#end({ id, ...ending }, options, signal)
    } catch (refusal) {
      const { error } = ending
      if (error === undefined || refusal instanceof StoreUnavailableError) throw refusal
      const ascii = asciiText(error)
      if (ascii === error) throw refusal
      await this.#end({ id, ...ending, error: ascii }, options, signal)
    }
  }

  /** Fails an action that no worker performs any more, unless it has already ended. */
  markLost(id: string, signal: AbortSignal): Promise<void> {
    return this.#end({ id, ...LOST }, { ifRunning: true }, signal)
  }

  async #end(change: Change, options: UpdateOptions, signal: AbortSignal): Promise<void> {
    try {
      await this.#updateWithRetries(change, options, signal)
    } catch (error) {
      if (!(error instanceof ErrNoSuchAction)) throw error
    }
  }

  async #updateWithRetries(
    change: Change,
    options: UpdateOptions,
    signal: AbortSignal,
  ): Promise<ActionRecord> {
    const clock = clockOf(this.#settings)
    const givesUpAt = clock.elapsed() + RETRY_FOR_MS
    const changed = { ...change, updatedAt: clock.now() }
    const record = await untilAvailable(() => this.#settings.ledger.update(changed, options), {
      clock,
      givesUp: () => signal.aborted && clock.elapsed() >= givesUpAt,
      onRetry: (error) => this.#outage.failed(error),
    })
    this.#outage.succeeded()
    return record
  }
}
