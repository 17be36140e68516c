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
  /** Extends the lease to `leaseMs` from now. @returns false if another holder has acquired it, or it was released */
  renew(name: string, fence: number, leaseMs: number): Promise<boolean>
  /** Releases the lease; does nothing if another holder has acquired it. */
  release(name: string, fence: number, use: LeaseUse): Promise<void>
  /**
   * The leases that were ever acquired: the held ones first, then by name. For operators; a store may be without it.
   *
   * @param most of more, only the first
   */
  list?(most: number): Promise<ListedLease[]>
}

/** A lease as it was when the store was asked. */
export interface ListedLease {
  readonly name: string
  /** Of the last acquisition. */
  readonly fence: number
  /** The time until it expires, 0 if it has expired without a release; undefined if it is free. */
  readonly expiresInMs?: number
  /** How long ago it was acquired; undefined if that run was released as unused. */
  readonly acquiredAgoMs?: number
}

/**
 * The outcome of the run. 'done'; 'unused': as if the lease had not been acquired, so it is due at once; 'failed': it is due after
 * a delay instead of its interval: 1 s, doubled with each consecutive failure up to 1 m, at most the interval.
 */
export type LeaseUse = 'done' | 'failed' | 'unused'

/** For how long a lease is wanted, and when it is due. */
export interface LeaseTerms {
  /** How long the lease lasts without a renewal. */
  readonly leaseMs: number
  /** The lease is due this long after its last acquisition, whatever interval that one gave. Undefined: due at once. */
  readonly everyMs: number | undefined
  /**
   * If set, `everyMs` is undefined, and the lease is due when this moment has come, in ms since the epoch by the store's clock, and
   * no run for this moment or a later one has ended.
   */
  readonly instantMs?: number | undefined
  /** The caller's schedule. A request with an older schedule than the store knows is refused. */
  readonly schedule?: LeaseSchedule | undefined
}

/** When the work of a name is due, as a text of the caller's. The schedule of the replica that started last is that of all. */
export interface LeaseSchedule {
  readonly text: string
  /** The version that the store returned; undefined from a starting replica, whose text applies from now on. */
  readonly version: number | undefined
}

/** What the store knows of a name: the answer to a request with a schedule. */
export interface KnownSchedule {
  /** The text that applies now: the caller's own, or that of a replica that started later. */
  readonly text: string
  /** Increases with each change of the text. */
  readonly version: number
  /** The store's time of day, in ms since the epoch. */
  readonly nowMs: number
  /**
   * Moments up to this one need no run: those before the name became known, and those up to the last moment that had a run. With a
   * new schedule it is at least the start of the last run.
   */
  readonly settledMs: number
}

/** Whether a lease was acquired; if not, when to ask again. */
export type LeaseAnswer =
  | { readonly kind: 'acquired'; readonly fence: number; readonly schedule?: KnownSchedule | undefined }
  /** `freeInMs`: the time until the lease expires, 0 if it is free. `dueInMs`: the time until it is due, 0 if it is due. */
  | {
      readonly kind: 'refused'
      readonly freeInMs: number
      readonly dueInMs: number
      readonly schedule?: KnownSchedule | undefined
    }
