/** Constraints on a claim, beside the limits of kinds. */
export interface ClaimOptions {
  /** Identifies the claiming process: the same number with each of its claims. */
  readonly holder?: number | undefined
  /** Claims that the process still has handlers or outcomes of: never freed, however long ago their leases expired. */
  readonly holding?: ReadonlySet<number> | undefined
  /** A job with this many crashes in a row is on its last chance: it is claimed alone, or not at all. */
  readonly maxCrashes?: number | undefined
  /** Whether a job on its last chance may be claimed. Default true. */
  readonly lastChance?: boolean | undefined
  /** Called when a job was left only because it is on its last chance. */
  readonly onLastChance?: (() => void) | undefined
  /**
   * How many jobs can start at once. Of what a kind's limits leave, jobs beyond those take at most half, because they fill places
   * while they wait. Default: all.
   */
  readonly startable?: number | undefined
  /** How long jobs of a claim of more than `startable` may wait before they start; a rate counts them until then. Default 0. */
  readonly waitMs?: number | undefined
  /** The most bytes of payload to claim; payloads of up to 512 aren't counted. Default: no limit. */
  readonly maxBytes?: number | undefined
  /** Whether the first job is claimed however large it is. Default true. */
  readonly orOne?: boolean | undefined
  /** Called when a job was left only because of its bytes. */
  readonly onHeldBack?: (() => void) | undefined
  /** Called once when the store's clock was set, with the change in ms; negative when it was set back. */
  readonly onClockSet?: ((byMs: number) => void) | undefined
  /** Called now and then with how far the store's clock is ahead of the time of day of this process, in ms. */
  readonly onStoreTime?: ((aheadMs: number) => void) | undefined
}
