import type { ActionRecord, RecordChange } from './action.ts'
import type { TaskExchange, WorkerInfo } from './task-exchange.ts'

/** A record and the number of its last change; in one ledger, the numbers increase with each change. */
export interface SeenRecord {
  readonly record: ActionRecord
  readonly revision: number
}

/** A page of records, the newest first. */
export interface RecordPage {
  readonly records: readonly ActionRecord[]
  /** The action that the page ends at, to begin the next one after; undefined when there are no more. */
  readonly next: string | undefined
}

/** Which records of a page. */
export interface RecordPlace {
  readonly limit: number
  /** The `next` of the page before, or any action: records that were created before it. */
  readonly after: string | undefined
}

/** The most records that a ledger looks at for a page. */
export const MOST_LOOKED_AT = 1_000

/** Fields by which a ledger may narrow a search; it may return more than matches. */
export type SearchHint = Partial<Pick<ActionRecord, 'operation' | 'status' | 'host' | 'target'>>
/** Fields by which a ledger may narrow a list of one operation's actions. */
export type OperationHint = SearchHint & Pick<ActionRecord, 'operation'>

/**
 * Stores actions as records of their creation and changes, appended and never overwritten. Unless the ledger is in memory,
 * acknowledged records survive the process. Its only rule: an ended action never changes its status.
 */
export interface ActionLedger {
  /** The workers of all users of this ledger. */
  readonly exchange: TaskExchange
  /** Appends a new action, without a task for a worker. Resolves when the ledger has it. */
  create(record: ActionRecord): Promise<void>
  /**
   * Creates a running action and gives its task to the worker that it names, atomically; tasks of one target in call order.
   * False when that worker is no longer live: the action has failed with 'worker lost'.
   *
   * @param onTaken called when the worker has taken the task, which may never be
   */
  dispatch(record: ActionRecord, onTaken?: () => void): Promise<boolean>
  /**
   * Merges the change, and returns the acknowledged record.
   *
   * @throws ErrNoSuchAction, ErrActionEnded
   */
  update(change: RecordChange, options?: UpdateOptions): Promise<ActionRecord>
  /** The action as it is now, with all changes merged; undefined if the ledger has none with that id. */
  get(id: string): Promise<ActionRecord | undefined>
  /** Records, oldest first, each in its state when the search reaches it. */
  search(hint: SearchHint): AsyncIterable<SeenRecord>
  /**
   * Records of an operation, the last created first, that have all that the hint says. A page may be shorter than `limit`, or empty,
   * and still have a `next`: reading it looks at no more than 1,000 records.
   *
   * @throws ErrNoSuchAction for a place that isn't there any more
   */
  newest(hint: OperationHint, place: RecordPlace): Promise<RecordPage>
  /**
   * Calls `onChange` with each change from now on, from any process; changes of one action in order. No change is skipped,
   * but changes may arrive late. A ledger that reads changes waits for the promise that `onChange` returns. `onEnd` is called
   * when following ends without a call of `off`.
   */
  follow(onChange: OnChange, onEnd: (error: unknown) => void): Promise<Following>
}

export interface UpdateOptions {
  /** An ended action stays as it is and is returned. Default false. */
  readonly ifRunning?: boolean | undefined
  /**
   * The worker of this process that has performed the action's task and asks for its next one now: a ledger may take that in the
   * same write.
   */
  readonly doneBy?: WorkerInfo | undefined
}

/** May return a promise; a ledger that can wait delivers the next change only after it. */
export type OnChange = (seen: SeenRecord) => Promise<void> | void

export interface Following {
  /** The revision of the last change before following began. */
  readonly revision: number
  readonly off: () => Promise<void>
}
