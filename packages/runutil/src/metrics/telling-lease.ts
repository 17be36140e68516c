import { currentClock } from '../core/context.ts'
import { within } from '../core/within.ts'
import type { LeaseStore } from '../leases/lease-store.ts'

const NAME = 'runutil metrics'
/** Three scrapes a minute apart at most: then another process takes over. */
const LEASE_MS = 90_000
const LIMIT_MS = 2_000

/** Whether it is this process that tells what all of them know: whoever is scraped first, and then goes on being scraped. */
export class TellingLease {
  readonly #leases: LeaseStore
  #fence: number | undefined
  #asking: Promise<boolean> | undefined

  constructor(leases: LeaseStore) {
    this.#leases = leases
  }

  /** False also while the store doesn't answer. */
  async isMine(): Promise<boolean> {
    const asking = (this.#asking ??= this.#ask().finally(() => (this.#asking = undefined)))
    return (await within(asking, LIMIT_MS, currentClock())) && asking
  }

  async #ask(): Promise<boolean> {
    try {
      if (this.#fence !== undefined && (await this.#leases.renew(NAME, this.#fence, LEASE_MS))) return true
      const answer = await this.#leases.acquire(NAME, { leaseMs: LEASE_MS, everyMs: undefined })
      this.#fence = answer.kind === 'acquired' ? answer.fence : undefined
      return this.#fence !== undefined
    } catch {
      return false
    }
  }
}
