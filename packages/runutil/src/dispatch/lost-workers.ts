import type { Clock } from '../core/clock.ts'
import type { ActionLedger } from './action-ledger.ts'

/** Finds running actions whose workers have been gone for longer than the grace period. */
export class LostWorkers {
  readonly #operation: string
  readonly #ledger: ActionLedger
  readonly #graceMs: number
  readonly #clock: Clock
  /** Since when, by action. */
  #missing = new Map<string, number>()

  constructor(operation: string, ledger: ActionLedger, graceMs: number, clock: Clock) {
    this.#operation = operation
    this.#ledger = ledger
    this.#graceMs = graceMs
    this.#clock = clock
  }

  /** Their ids. */
  async actions(): Promise<string[]> {
    const now = this.#clock.elapsed()
    const present = await this.#ledger.exchange.present(this.#operation)
    const hosts = new Map(present.map(({ target, host }) => [target, host]))
    const missing = new Map<string, number>()
    for await (const { record } of this.#ledger.search({ operation: this.#operation, status: 'running' })) {
      if (record.operation !== this.#operation || hosts.get(record.target) === record.host) continue
      missing.set(record.id, this.#missing.get(record.id) ?? now)
    }
    this.#missing = missing
    return [...missing].filter(([, since]) => now - since >= this.#graceMs).map(([id]) => id)
  }
}
