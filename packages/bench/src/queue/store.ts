/** Where a contender keeps its jobs: a database of its own, or an emptied Redis. */
export interface Store {
  readonly url: string
  /** As it is some time after much was written: statistics are there, and no checkpoint is due. */
  settle(how?: 'analyze' | 'vacuum analyze'): Promise<void>
  /** Opens a transaction that has a snapshot, so that nothing that is deleted now can be cleaned up until removal. */
  holdTransaction(): Promise<void>
  remove(): Promise<void>
}
