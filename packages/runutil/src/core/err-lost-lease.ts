import { brandError } from './brand.ts'

/**
 * A lease was lost: it expired, so that another may hold it, or it was revoked. Results of work under it are no longer
 * recorded.
 */
export class ErrLostLease extends Error {
  readonly code: 'ERR_LOST_LEASE' | 'ERR_LEASE_LOST' = 'ERR_LOST_LEASE'
  /** The id of the queue job whose lease it was; undefined for other leases. */
  declare readonly id?: string
  static {
    brandError(this, 'ErrLostLease')
  }
  constructor(message: string, id?: string) {
    super(message)
    if (id !== undefined) this.id = id
  }
}
