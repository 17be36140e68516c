import { healthCheckpoint } from '../core/health.ts'
import { OutageLog } from '../core/outage-log.ts'
import { StoreUnavailableError } from '../core/store-unavailable-error.ts'
import { sleep } from '../core/wait.ts'
import type { ActionChanges } from './action-changes.ts'
import { type ManagerSettings, clockOf } from './manager-options.ts'

const CHECK_EVERY_MS = 1_000

/** Fails running actions whose workers have been gone for longer than the grace period. */
export class LostWorkers {
  readonly #settings: ManagerSettings
  readonly #changes: ActionChanges
  /** The time since which the worker has been missing, by action. */
  #missing = new Map<string, number>()

  constructor(settings: ManagerSettings, changes: ActionChanges) {
    this.#settings = settings
    this.#changes = changes
  }

  /** Checks every second until the abort, even while the ledger is unreachable. */
  async watch(signal: AbortSignal): Promise<void> {
    const outage = new OutageLog(`look for lost workers of ${this.#settings.operation}`)
    while (!signal.aborted) {
      try {
        for (const action of await this.#lost()) await this.#changes.markLost(action, signal)
        outage.succeeded()
        healthCheckpoint()
      } catch (error) {
        if (!(error instanceof StoreUnavailableError)) throw error
        outage.failed(error)
        healthCheckpoint(error)
      }
      await sleep(clockOf(this.#settings), CHECK_EVERY_MS, signal)
    }
  }

  async #lost(): Promise<string[]> {
    const { operation, ledger, graceMs } = this.#settings
    const now = clockOf(this.#settings).elapsed()
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
