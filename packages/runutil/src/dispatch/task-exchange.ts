import type { Task } from './action.ts'

export interface WorkerInfo {
  readonly operation: string
  readonly host: string
  readonly target: string
}

/** Where workers become live, of which each target has at most one for an operation, and get the tasks of actions. */
export interface TaskExchange {
  /** Makes a worker live, as soon as no other process has one for its target. Rejects with the reason of an abort. */
  announce(worker: WorkerInfo, signal: AbortSignal): Promise<Announcement>
  /** What this process has begun to announce before is found. */
  find(operation: string, target: string): Promise<WorkerInfo | undefined>
  live(operation: string): Promise<readonly WorkerInfo[]>
  /** The same, as far as is known here. */
  known(operation: string): readonly WorkerInfo[]
}

/** A task that was handed over. */
export interface Posted {
  /** Resolves when the worker has taken it; it may never. */
  readonly taken: Promise<void>
}

/** A worker while it is live. */
export interface Announcement {
  /** The next task, one at a time: the one before is done. Undefined when it isn't live any more. */
  next(): Promise<Task | undefined>
  /** It isn't live any more. @returns the actions whose tasks nobody will take now */
  withdraw(): Promise<string[]>
  /** Aborts when another may have taken its place. */
  readonly lost: AbortSignal
}
