import { Ambient } from '../core/ambient.ts'
import type { WorkerInfo } from './task-exchange.ts'

interface Performance {
  /** Undefined unless the task is exclusive. */
  readonly target: string | undefined
  /** Whether the task has ended; code that it started may still run. */
  isOver: boolean
}

const performances = new Ambient<Performance>()

/** Runs a task of this worker. */
export async function performAs(
  { target, exclusive }: WorkerInfo,
  task: () => Promise<void> | void,
): Promise<void> {
  const own: Performance = { target: exclusive === true ? target : undefined, isOver: false }
  try {
    await performances.run(own, task)
  } finally {
    own.isOver = true
  }
}

/** The target of the exclusive task that the running code belongs to. */
export function ownTarget(): string | undefined {
  const own = performances.current
  return own === undefined || own.isOver ? undefined : own.target
}
