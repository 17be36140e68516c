import type { SupervisedWorker } from './worker/supervised-worker.ts'
import type { Task } from './worker/task.ts'

/** Who gives the workers of a set their tasks. */
export interface TaskSource {
  /** It may be given a task now: it is ready, or has room for one beside those that it has. */
  free(worker: SupervisedWorker): void
  /** This worker asked to be replaced instead of doing it. */
  refused(task: Task, worker: SupervisedWorker): void
  /** Its worker has ended before it began it. */
  handedBack(task: Task): void
}
