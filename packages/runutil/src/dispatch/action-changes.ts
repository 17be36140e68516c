import type { Clock } from '../core/clock.ts'
import { Trouble } from '../core/trouble.ts'
import { untilAvailable } from '../core/until-available.ts'
import type { ActionLedger } from './action-ledger.ts'
import type { ActionRecord, RecordChange } from './action.ts'
import { ErrActionEnded, ErrNoSuchAction } from './errors.ts'

/** For how long a ledger that can't be reached is asked again: a database that restarts is there again by then. */
const PATIENCE_MS = 20_000

/** Changes actions. A change that was made already may be made again, so a ledger may be asked until it answers. */
export class ActionChanges {
  readonly #ledger: ActionLedger
  readonly #clock: () => Clock
  readonly #trouble = new Trouble('cannot change actions in the ledger')

  constructor(ledger: ActionLedger, clock: () => Clock) {
    this.#ledger = ledger
    this.#clock = clock
  }

  /** @throws ErrNoSuchAction, ErrActionEnded; what the ledger says when it can't be reached for 20 s */
  async update(change: Omit<RecordChange, 'updatedAt'>): Promise<ActionRecord> {
    const clock = this.#clock()
    const giveUpAt = clock.elapsed() + PATIENCE_MS
    const changed = { ...change, updatedAt: clock.now() }
    const record = await untilAvailable(() => this.#ledger.update(changed), {
      clock,
      givesUp: () => clock.elapsed() >= giveUpAt,
      onRetry: (error) => this.#trouble.begins(error),
    })
    this.#trouble.ends()
    return record
  }

  /** Unless it has ended already, or is gone. */
  succeed(id: string): Promise<void> {
    return this.#end({ id, status: 'succeeded' })
  }

  /** Unless it has ended already, or is gone. */
  fail(id: string, error: string): Promise<void> {
    return this.#end({ id, status: 'failed', error })
  }

  async #end(change: Omit<RecordChange, 'updatedAt'>): Promise<void> {
    try {
      await this.update(change)
    } catch (error) {
      if (!(error instanceof ErrActionEnded || error instanceof ErrNoSuchAction)) throw error
    }
  }
}
