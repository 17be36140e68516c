import type { ActionRecord, RecordChange } from './action.ts'
import type { Posted, TaskExchange } from './task-exchange.ts'

/** A record, and the number of the last change to it; those of a ledger grow with each change. */
export interface SeenRecord {
  readonly record: ActionRecord
  readonly revision: number
}

/** What a search may be narrowed to; a ledger may give more. */
export type SearchHint = Partial<Pick<ActionRecord, 'operation' | 'status' | 'host' | 'target'>>

/**
 * Where actions are kept: records of what was created and what was changed, appended and never overwritten. What is
 * acknowledged survives the process, if anything of the ledger does. It decides nothing but that what has ended stays so.
 */
export interface ActionLedger {
  /** The workers of whoever has this ledger. */
  readonly exchange: TaskExchange
  create(record: ActionRecord): Promise<void>
  /**
   * Creates a running action and then, as one with it, hands its task to the worker that it names, those of one target in
   * the order of the calls. Undefined when that worker isn't live any more: the action has failed with 'worker lost'.
   */
  dispatch(record: ActionRecord): Promise<Posted | undefined>
  /**
   * Merges, and acknowledges what came of it. With `ifRunning`, what has ended stays as it is and is returned.
   *
   * @throws ErrNoSuchAction, ErrActionEnded
   */
  update(change: RecordChange, options?: { readonly ifRunning?: boolean }): Promise<ActionRecord>
  get(id: string): Promise<ActionRecord | undefined>
  /** As they are when they are come to, the oldest first. */
  search(hint: SearchHint): AsyncIterable<SeenRecord>
  /**
   * Calls back with each change from now on, whoever made it, those of one action in their order. Best effort for when;
   * none is left out. A ledger that has to read them waits for what `onChange` returns. `onEnd` is called when no more will come, before it was taken off.
   *
   * @returns the last revision before, and what takes it off
   */
  follow(onChange: OnChange, onEnd: (error: unknown) => void): Promise<Following>
}

/** @returns what to wait for before the next, for who can */
export type OnChange = (seen: SeenRecord) => Promise<void> | void

export interface Following {
  readonly revision: number
  readonly off: () => Promise<void>
}
