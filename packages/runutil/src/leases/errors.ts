import { brandError } from '../core/brand.ts'
import { ErrLostLease } from '../core/err-lost-lease.ts'

/** Why a run's signal aborted: its lease was lost, and another process may hold it by now. */
export class LeaseLostError extends ErrLostLease {
  override readonly code = 'ERR_LEASE_LOST'
  /** The name of the lease. */
  readonly lease: string
  static {
    brandError(this, 'LeaseLostError')
  }
  constructor(lease: string) {
    super(`lease ${lease} was lost`)
    this.lease = lease
  }
}
