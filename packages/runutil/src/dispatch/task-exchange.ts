import type { Task } from './action.ts'

export interface WorkerInfo {
  readonly operation: string
  readonly host: string
  readonly target: string
  /** One task at a time over all operations of the target, of its workers that were announced so. */
  readonly exclusive?: true
}

/** Where workers become live, of which each target has at most one for an operation, and get the tasks of actions. */
export interface TaskExchange {
  /** Makes a worker live, as soon as no other process has one for its target. Rejects with the reason of an abort. */
  announce(worker: WorkerInfo, signal: AbortSignal): Promise<Announcement>
  /** The one that takes tasks; what this process has begun to announce before is found. */
  find(operation: string, target: string): Promise<WorkerInfo | undefined>
  /** Those that have their target: they take tasks, or end their last. */
  present(operation: string): Promise<readonly WorkerInfo[]>
  /** Those that take tasks, as far as is known here. */
  known(operation: string): readonly WorkerInfo[]
}

/** A task that was handed over. */
export interface Posted {
  /** Resolves when the worker has taken it; it may never. */
  readonly taken: Promise<void>
}

/** A worker while it has its target. */
export interface Announcement {
  /** The next task, one at a time: the one before is done. Undefined when no more come. */
  next(): Promise<Task | undefined>
  /**
   * No more tasks come; the actions of those that nobody began fail with 'worker lost'. It keeps its target.
   *
   * @param now in ms since the epoch
   */
  close(now: number): Promise<void>
  /** As `close`, and gives its target up. */
  withdraw(now: number): Promise<void>
  /** Aborts when another may have taken its place. */
  readonly lost: AbortSignal
}
