import type { Clock } from '../core/clock.ts'
import { OutageLog } from '../core/outage-log.ts'
import { StoreUnavailableError } from '../core/store-unavailable-error.ts'
import { asciiText } from '../core/text.ts'
import { untilAvailable } from '../core/until-available.ts'
import type { ActionLedger } from './action-ledger.ts'
import { type ActionRecord, LOST, type RecordChange } from './action.ts'
import { ErrNoSuchAction } from './errors.ts'

/** For how long a ledger that can't be reached is asked again: a database that restarts is there again by then. */
const PATIENCE_MS = 20_000

type Change = Omit<RecordChange, 'updatedAt'>

/** Changes actions. A change that was made already may be made again, so a ledger may be asked until it answers. */
export class ActionChanges {
  readonly #ledger: ActionLedger
  readonly #clock: () => Clock
  readonly #outage = new OutageLog('change actions in the ledger')

  constructor(ledger: ActionLedger, clock: () => Clock) {
    this.#ledger = ledger
    this.#clock = clock
  }

  get now(): number {
    return this.#clock().now()
  }

  /** @throws ErrNoSuchAction, ErrActionEnded; what the ledger says when it can't be reached for 20 s */
  update(change: Change): Promise<ActionRecord> {
    return this.#patiently(change, false, AbortSignal.abort())
  }

  /** Unless it has ended already, or is gone. Tries for as long as it takes, until `signal` aborts and 20 s are over. */
  succeed(id: string, signal: AbortSignal): Promise<void> {
    return this.#end({ id, status: 'succeeded' }, signal)
  }

  /** As `succeed`. An error that the ledger can't hold is written in letters that any encoding has. */
  async fail(id: string, error: string, signal: AbortSignal): Promise<void> {
    const failed = { id, status: 'failed' } as const
    try {
      await this.#end({ ...failed, error }, signal)
    } catch (refusal) {
      const ascii = asciiText(error)
      if (refusal instanceof StoreUnavailableError || ascii === error) throw refusal
      await this.#end({ ...failed, error: ascii }, signal)
    }
  }

  /** That nobody performs it any more, unless it has ended already. */
  lose(id: string, signal: AbortSignal): Promise<void> {
    return this.#end({ id, ...LOST }, signal)
  }

  async #end(change: Change, signal: AbortSignal): Promise<void> {
    try {
      await this.#patiently(change, true, signal)
    } catch (error) {
      if (!(error instanceof ErrNoSuchAction)) throw error
    }
  }

  async #patiently(change: Change, ifRunning: boolean, signal: AbortSignal): Promise<ActionRecord> {
    const clock = this.#clock()
    const givesUpAt = clock.elapsed() + PATIENCE_MS
    const changed = { ...change, updatedAt: clock.now() }
    const record = await untilAvailable(() => this.#ledger.update(changed, { ifRunning }), {
      clock,
      givesUp: () => signal.aborted && clock.elapsed() >= givesUpAt,
      onRetry: (error) => this.#outage.failed(error),
    })
    this.#outage.succeeded()
    return record
  }
}
