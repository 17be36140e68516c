import type { WorkerInfo } from './task-exchange.ts'

/** One text for an operation and a target, of which there is one worker at a time. */
export function workerKey({ operation, target }: Pick<WorkerInfo, 'operation' | 'target'>): string {
  return JSON.stringify([operation, target])
}
