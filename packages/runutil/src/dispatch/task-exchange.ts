import type { Task } from './action.ts'

/** A worker as its exchange knows it. */
export interface WorkerInfo {
  readonly operation: string
  readonly host: string
  readonly target: string
  /** One task at a time over all operations of the target, among its workers that were registered so. */
  readonly exclusive?: true
}

/** Where workers are registered, at most one for each target and operation, and receive the tasks of actions. */
export interface TaskExchange {
  /** Makes a worker live, as soon as no other process has one for its target. Rejects with the reason of an abort. */
  register(worker: WorkerInfo, signal: AbortSignal): Promise<WorkerRegistration>
  /** The one that takes tasks. Finds any whose registration this process has begun before. */
  find(operation: string, target: string): Promise<WorkerInfo | undefined>
  /** Those that hold their target: they take tasks, or finish their last. */
  present(operation: string): Promise<readonly WorkerInfo[]>
  /** Those that take tasks, as far as this process knows. */
  known(operation: string): readonly WorkerInfo[]
}

/** A worker while it holds its target. */
export interface WorkerRegistration {
  /** The next task; asking for it says that the one before is done. Undefined when no more come. */
  next(): Promise<Task | undefined>
  /**
   * Takes no more tasks; the actions of those that nobody began fail with 'worker lost'. It keeps its target.
   *
   * @param now in ms since the epoch
   */
  close(now: number): Promise<void>
  /** As `close`, and gives its target up. */
  withdraw(now: number): Promise<void>
  /** Aborts when another worker may have taken its place. */
  readonly lost: AbortSignal
}
