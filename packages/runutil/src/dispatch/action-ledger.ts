import type { ActionRecord, RecordChange } from './action.ts'
import type { TaskExchange } from './task-exchange.ts'

/** A record, and the number of the last change to it; in one ledger, each change has a higher number than the one before. */
export interface SeenRecord {
  readonly record: ActionRecord
  readonly revision: number
}

/** What a search may be narrowed to; a ledger may return more. */
export type SearchHint = Partial<Pick<ActionRecord, 'operation' | 'status' | 'host' | 'target'>>

/**
 * Where actions are kept: records of what was created and what was changed, appended and never overwritten. What is
 * acknowledged survives the process, if anything of the ledger does. Its only rule: an ended action never changes its status.
 */
export interface ActionLedger {
  /** The workers of everyone who uses this ledger. */
  readonly exchange: TaskExchange
  create(record: ActionRecord): Promise<void>
  /**
   * Creates a running action and gives its task to the worker that it names, in one step; tasks of one target in the order of
   * the calls. False when that worker isn't live any more: the action has failed with 'worker lost'.
   *
   * @param onTaken called when the worker has taken the task, which may never be
   */
  dispatch(record: ActionRecord, onTaken?: () => void): Promise<boolean>
  /**
   * Merges the change, and returns the acknowledged record. With `ifRunning`, an ended action stays as it is and is returned.
   *
   * @throws ErrNoSuchAction, ErrActionEnded
   */
  update(change: RecordChange, options?: { readonly ifRunning?: boolean }): Promise<ActionRecord>
  get(id: string): Promise<ActionRecord | undefined>
  /** The oldest first, each as it is when the search reaches it. */
  search(hint: SearchHint): AsyncIterable<SeenRecord>
  /**
   * Calls back with each change from now on, whoever made it; changes of one action in their order. None is left out, but
   * they may be late. A ledger that has to read them waits for what `onChange` returns. `onEnd` is called when no more will
   * come although nobody called `off`.
   */
  follow(onChange: OnChange, onEnd: (error: unknown) => void): Promise<Following>
}

/** May return a promise to wait for before the next change, for a ledger that can. */
export type OnChange = (seen: SeenRecord) => Promise<void> | void

export interface Following {
  /** That of the last change before. */
  readonly revision: number
  readonly off: () => Promise<void>
}
