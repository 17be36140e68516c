import type { Clock } from '../core/clock.ts'
import { currentLogger } from '../core/context.ts'
import { sleep } from '../core/wait.ts'
import type { ActionLedger } from './action-ledger.ts'
import { ErrActionEnded, ErrNoSuchAction } from './errors.ts'

/** How often it is tried to write down that an action has ended, and how long between. */
const MOST_TRIES = 20
const AGAIN_MS = 1_000

/** Ends actions, unless they have ended already or are gone. A ledger that can't be reached is tried again. */
export class ActionEnds {
  readonly #ledger: ActionLedger
  readonly #clock: () => Clock

  constructor(ledger: ActionLedger, clock: () => Clock) {
    this.#ledger = ledger
    this.#clock = clock
  }

  succeed(id: string): Promise<void> {
    return this.#end({ id, status: 'succeeded' })
  }

  fail(id: string, error: string): Promise<void> {
    return this.#end({ id, status: 'failed', error })
  }

  async #end(change: { id: string; status: 'succeeded' | 'failed'; error?: string }): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        return void (await this.#ledger.update({ ...change, updatedAt: this.#clock().now() }))
      } catch (error) {
        if (error instanceof ErrActionEnded || error instanceof ErrNoSuchAction) return
        if (tries === MOST_TRIES) throw error
        currentLogger().warn({ err: error }, `cannot end action ${change.id}`)
        await sleep(this.#clock(), AGAIN_MS)
      }
    }
  }
}
