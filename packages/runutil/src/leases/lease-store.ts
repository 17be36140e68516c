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
  /**
   * It is due when this moment has come, in ms since the epoch by the store's clock, and no run of this moment or a later one has
   * ended. Then `everyMs` is undefined.
   */
  readonly instantMs?: number | undefined
  /** By which schedule it asks. One that asks by an older one than the store knows is refused. */
  readonly schedule?: LeaseSchedule | undefined
}

/** When the work of a name is due, in the words of whoever runs it: the same for all replicas, that of the one that started last. */
export interface LeaseSchedule {
  readonly text: string
  /** As the store answered; undefined from a replica that starts: then its text counts from now on. */
  readonly version: number | undefined
}

/** What the store knows of a name, for whoever asks by a schedule. */
export interface KnownSchedule {
  readonly text: string
  readonly version: number
  /** The store's time of day, in ms since the epoch. */
  readonly nowMs: number
  /**
   * Moments up to this one need no run: those before the name was first known, and those up to the last that had one. With a new
   * schedule it is at least the start of the last run.
   */
  readonly settledMs: number
}

export type LeaseAnswer =
  | { readonly kind: 'acquired'; readonly fence: number; readonly schedule?: KnownSchedule | undefined }
  /** `freeInMs`: until it expires, 0 if it is free. `dueInMs`: until it is due, 0 if it is. */
  | {
      readonly kind: 'refused'
      readonly freeInMs: number
      readonly dueInMs: number
      readonly schedule?: KnownSchedule | undefined
    }
