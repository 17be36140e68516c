/**
 * Leases by name: one holder at a time, and a fencing token that increases with every acquisition.
 *
 * All times are the store's own, for a database its server's: callers pass durations and receive durations. An expired lease
 * can still be renewed and released by its holder, until another acquires it.
 */
export interface LeaseStore {
  /**
   * Acquires the lease if it is free and due. A lease that expired without a release counts as free and due: its holder died.
   *
   * @throws InvalidArgumentError for a name that no store can hold
   */
  acquire(name: string, terms: LeaseTerms): Promise<LeaseAnswer>
  /** Extends it to `leaseMs` from now. @returns false if another has acquired it, or it was released */
  renew(name: string, fence: number, leaseMs: number): Promise<boolean>
  /** Does nothing if another has acquired it. */
  release(name: string, fence: number, use: LeaseUse): Promise<void>
}

/**
 * What became of the run: 'done'; 'unused', as if the lease had not been acquired, so that it is due at once; or 'failed': then
 * it is due after a delay instead of its interval: 1 s, doubled with each failure in a row up to 1 m, at most the interval.
 */
export type LeaseUse = 'done' | 'failed' | 'unused'

export interface LeaseTerms {
  /** How long it lasts without a renewal. */
  readonly leaseMs: number
  /** The interval from its last acquisition until it is due, whatever interval was given then. Undefined: due at once. */
  readonly everyMs: number | undefined
}

export type LeaseAnswer =
  | { readonly kind: 'acquired'; readonly fence: number }
  /** `freeInMs`: until it expires, 0 if it is free. `dueInMs`: until it is due, 0 if it is. */
  | { readonly kind: 'refused'; readonly freeInMs: number; readonly dueInMs: number }
