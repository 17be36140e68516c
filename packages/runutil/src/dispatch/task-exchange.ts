import type { Task } from './action.ts'

/** A worker as registered in an exchange. */
export interface WorkerInfo {
  readonly operation: string
  readonly host: string
  readonly target: string
  /** One task at a time over all operations of the target, among its workers that were registered so. */
  readonly exclusive?: true
}

/** Where workers are registered, at most one for each target and operation, and receive the tasks of actions. */
export interface TaskExchange {
  /** Makes a worker live once no other process has a worker for its target. Rejects with the signal's reason on abort. */
  register(worker: WorkerInfo, signal: AbortSignal): Promise<WorkerRegistration>
  /** The worker that takes tasks. Includes every worker whose registration this process started before the call. */
  find(operation: string, target: string): Promise<WorkerInfo | undefined>
  /** The workers that hold their target: they take tasks, or are finishing their last one. */
  present(operation: string): Promise<readonly WorkerInfo[]>
  /** The workers that take tasks, as far as this process knows. */
  known(operation: string): readonly WorkerInfo[]
}

/** A worker while it holds its target. */
export interface WorkerRegistration {
  /** The next task; calling it reports the previous task as done. Undefined when there are no more. */
  next(): Promise<Task | undefined>
  /**
   * Takes no more tasks; actions whose tasks have not started fail with 'worker lost'. The worker keeps its target.
   *
   * @param now in ms since the epoch
   */
  close(now: number): Promise<void>
  /** As `close`, and releases the target. */
  withdraw(now: number): Promise<void>
  /** How many tasks wait for this worker; undefined where only a remote store knows. */
  readonly queued?: number
  /** Aborts when another worker may have replaced this one. */
  readonly lost: AbortSignal
}
