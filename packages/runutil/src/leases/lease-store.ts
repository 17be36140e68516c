/**
 * Who may do what only one process may do at a time: a lease a name, with a number that grows each time it is taken.
 *
 * All times are the store's own, those of a database its server's: callers say durations and are told durations. A
 * lease that is over may still be renewed and released by who had it, until another takes it.
 */
export interface LeaseStore {
  /**
   * Takes the lease if it may be had: nobody has it, and it is due; or who had it is gone, since it is over and wasn't
   * released, and then it doesn't matter when it is due.
   *
   * @throws InvalidArgumentError for a name that no store can hold
   */
  acquire(name: string, terms: LeaseTerms): Promise<LeaseAnswer>
  /** Makes it last for `leaseMs` from now. @returns false when another has taken it, or it was released */
  renew(name: string, fence: number, leaseMs: number): Promise<boolean>
  /** Nothing when another has taken it. */
  release(name: string, fence: number, use: LeaseUse): Promise<void>
}

/**
 * What it was taken for: 'done', or 'unused', as if it hadn't been taken, and so due at once. Or that 'failed': then it is
 * due after a delay instead of its interval: 1 s, doubled by each that fails in a row up to a minute, at most the interval.
 */
export type LeaseUse = 'done' | 'failed' | 'unused'

export interface LeaseTerms {
  /** How long it lasts unless it is renewed. */
  readonly leaseMs: number
  /** How long after it was last taken it is due, whatever was said then. Undefined: at once. */
  readonly everyMs: number | undefined
}

export type LeaseAnswer =
  | { readonly kind: 'acquired'; readonly fence: number }
  /** `freeInMs`: until it is over, 0 when nobody has it. `dueInMs`: until it is due, 0 when it is. */
  | { readonly kind: 'refused'; readonly freeInMs: number; readonly dueInMs: number }
