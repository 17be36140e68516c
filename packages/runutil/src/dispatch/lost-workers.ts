import type { Clock } from '../core/clock.ts'
import { healthCheckpoint } from '../core/health.ts'
import { OutageLog } from '../core/outage-log.ts'
import { StoreUnavailableError } from '../core/store-unavailable-error.ts'
import { sleep } from '../core/wait.ts'
import type { ActionLedger } from './action-ledger.ts'

const LOOK_EVERY_MS = 1_000

export interface LostWorkersProps {
  readonly operation: string
  readonly ledger: ActionLedger
  readonly graceMs: number
  readonly clock: Clock
  /** What becomes of an action whose worker has been gone for longer. */
  readonly lose: (action: string) => Promise<void>
}

/** Finds running actions whose workers have been gone for longer than the grace period. */
export class LostWorkers {
  readonly #props: LostWorkersProps
  /** Since when, by action. */
  #missing = new Map<string, number>()

  constructor(props: LostWorkersProps) {
    this.#props = props
  }

  /** Until the abort, also while the ledger can't be reached. */
  async look(signal: AbortSignal): Promise<void> {
    const { operation, clock, lose } = this.#props
    const outage = new OutageLog(`look for lost workers of ${operation}`)
    while (!signal.aborted) {
      try {
        for (const action of await this.#lost()) await lose(action)
        outage.succeeded()
        healthCheckpoint()
      } catch (error) {
        if (!(error instanceof StoreUnavailableError)) throw error
        outage.failed(error)
        healthCheckpoint(error)
      }
      await sleep(clock, LOOK_EVERY_MS, signal)
    }
  }

  async #lost(): Promise<string[]> {
    const { operation, ledger, graceMs, clock } = this.#props
    const now = clock.elapsed()
    const present = await ledger.exchange.present(operation)
    const hosts = new Map(present.map(({ target, host }) => [target, host]))
    const missing = new Map<string, number>()
    for await (const { record } of ledger.search({ operation, status: 'running' })) {
      if (record.operation !== operation || hosts.get(record.target) === record.host) continue
      missing.set(record.id, this.#missing.get(record.id) ?? now)
    }
    this.#missing = missing
    return [...missing].filter(([, since]) => now - since >= graceMs).map(([id]) => id)
  }
}
