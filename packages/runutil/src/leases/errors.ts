import { brandError } from '../core/brand.ts'
import { ErrLostLease } from '../core/err-lost-lease.ts'

/** A lease of `distributedRepeat` or `singleton` that another may have by now: why a run's signal aborted. */
export class LeaseLostError extends ErrLostLease {
  override readonly code = 'ERR_LEASE_LOST'
  readonly lease: string
  static {
    brandError(this, 'LeaseLostError')
  }
  constructor(lease: string) {
    super(`lease ${lease} was lost`)
    this.lease = lease
  }
}
