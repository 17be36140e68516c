/** Numbers of tasks and workers at one moment. */
export interface PoolStats {
  /** Tasks not yet given to a worker. */
  readonly waiting: number
  /** Tasks given to workers and not yet answered. */
  readonly running: number
  /** Workers that take tasks. */
  readonly workers: number
}
