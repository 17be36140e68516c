import { currentLogger } from '../core/context.ts'
import { healthCheckpoint } from '../core/health.ts'
import { logWarning } from '../core/log.ts'
import { OutageLog } from '../core/outage-log.ts'
import { untilAvailable } from '../core/until-available.ts'
import type { Following } from './action-ledger.ts'
import { type ManagerSettings, clockOf } from './manager-options.ts'
import type { Submissions } from './submissions.ts'

/** Settles a manager's submissions from their actions in the ledger. */
export class Outcomes {
  readonly #settings: ManagerSettings
  readonly #submissions: Pick<Submissions, 'ids' | 'settle'>

  constructor(settings: ManagerSettings, submissions: Pick<Submissions, 'ids' | 'settle'>) {
    this.#settings = settings
    this.#submissions = submissions
  }

  /** Resolves once the ledger is followed; waits out any outage until the signal aborts. */
  async follow(signal: AbortSignal): Promise<Following> {
    const { operation, ledger } = this.#settings
    const outage = new OutageLog(`follow the ledger of ${operation}`)
    // The search for lost workers ends for the same reason, so `onEnd` has nothing to do.
    const follow = () =>
      ledger.follow(
        ({ record }) => this.#submissions.settle(record),
        () => {},
      )
    const following = await untilAvailable(follow, {
      clock: clockOf(this.#settings),
      signal,
      givesUp: () => signal.aborted,
      onRetry: (error) => {
        outage.failed(error)
        healthCheckpoint(error)
      },
    })
    outage.succeeded()
    return following
  }

  /** Settles actions that have ended; others are no longer awaited. */
  async settleEnded(): Promise<void> {
    const { ledger, operation } = this.#settings
    try {
      const records = await Promise.all(this.#submissions.ids.map((id) => ledger.get(id)))
      for (const record of records) if (record !== undefined) this.#submissions.settle(record)
    } catch (error) {
      logWarning(currentLogger(), error, `cannot read which actions of ${operation} have ended`)
    }
  }
}
