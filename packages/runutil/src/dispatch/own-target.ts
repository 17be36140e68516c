import { Ambient } from '../core/ambient.ts'
import type { WorkerInfo } from './task-exchange.ts'

interface Held {
  /** Undefined unless the task has it for itself. */
  readonly target: string | undefined
  /** The task has ended; what it started may go on. */
  over: boolean
}

const held = new Ambient<Held>()

/** Runs a task of this worker. */
export async function performAs(
  { target, exclusive }: WorkerInfo,
  task: () => Promise<void> | void,
): Promise<void> {
  const own: Held = { target: exclusive === true ? target : undefined, over: false }
  try {
    await held.run(own, task)
  } finally {
    own.over = true
  }
}

/** The target that the running code is an exclusive task of. */
export function ownTarget(): string | undefined {
  const own = held.current
  return own === undefined || own.over ? undefined : own.target
}
