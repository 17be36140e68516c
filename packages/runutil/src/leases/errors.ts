import { brandError } from '../core/brand.ts'

/** The reason of a run's signal when its lease is lost: another process may hold it by now. */
export class LeaseLostError extends Error {
  readonly code = 'ERR_LEASE_LOST'
  readonly lease: string
  static {
    brandError(this, 'LeaseLostError')
  }
  constructor(lease: string) {
    super(`lease ${lease} was lost`)
    this.lease = lease
  }
}
