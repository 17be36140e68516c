import { Ambient } from '../core/ambient.ts'
import type { WorkerInfo } from './task-exchange.ts'

interface TaskScope {
  /** Undefined unless the task is exclusive. */
  readonly target: string | undefined
  /** Whether the task has ended; code that it started may still run. */
  isOver: boolean
}

const taskScopes = new Ambient<TaskScope>()

/** Runs a task of this worker. */
export async function runInTaskScope(
  { target, exclusive }: WorkerInfo,
  task: () => Promise<void> | void,
): Promise<void> {
  const own: TaskScope = { target: exclusive === true ? target : undefined, isOver: false }
  try {
    await taskScopes.run(own, task)
  } finally {
    own.isOver = true
  }
}

/** The target of the exclusive task that the running code belongs to. */
export function ownTarget(): string | undefined {
  const own = taskScopes.current
  return own === undefined || own.isOver ? undefined : own.target
}
