/** How many of each there are at a moment. */
export interface PoolStats {
  /** Tasks that no worker has been given. */
  readonly waiting: number
  /** Tasks that workers were given and haven't answered. */
  readonly running: number
  /** Workers that take tasks. */
  readonly workers: number
}
