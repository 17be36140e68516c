import { brandError } from './brand.ts'

/**
 * A lease was lost: it ran out and others may have what it was for, or that was taken from its holder. What is done under
 * it isn't recorded any more.
 */
export class ErrLostLease extends Error {
  readonly code: 'ERR_LOST_LEASE' | 'ERR_LEASE_LOST' = 'ERR_LOST_LEASE'
  /** Of the queue's job whose lease it was; of other leases undefined. */
  declare readonly id?: string
  static {
    brandError(this, 'ErrLostLease')
  }
  constructor(message: string, id?: string) {
    super(message)
    if (id !== undefined) this.id = id
  }
}
