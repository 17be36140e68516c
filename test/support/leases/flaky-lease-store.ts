import type { LeaseStore } from 'runutil/leases'

/** A store whose calls fail while `broken`. */
export class FlakyLeaseStore implements LeaseStore {
  broken = false
  readonly #store: LeaseStore

  constructor(store: LeaseStore) {
    this.#store = store
  }

  async acquire(...args: Parameters<LeaseStore['acquire']>) {
    return this.#working().acquire(...args)
  }

  async renew(...args: Parameters<LeaseStore['renew']>) {
    return this.#working().renew(...args)
  }

  async release(...args: Parameters<LeaseStore['release']>) {
    return this.#working().release(...args)
  }

  #working(): LeaseStore {
    if (this.broken) throw new Error('the store is down')
    return this.#store
  }
}
