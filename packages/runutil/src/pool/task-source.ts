import type { SupervisedWorker } from './worker/supervised-worker.ts'
import type { Task } from './worker/task.ts'

/** The source of tasks for the workers of a set. */
export interface TaskSource {
  /** The worker can take a task: it is ready, or has room for another one. */
  free(worker: SupervisedWorker): void
  /** The worker asked to be replaced instead of performing the task. */
  refused(task: Task, worker: SupervisedWorker): void
  /** The task's worker ended before it started the task. */
  returned(task: Task): void
}
