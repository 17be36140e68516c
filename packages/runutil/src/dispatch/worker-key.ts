import type { WorkerInfo } from './task-exchange.ts'

/** The key of an operation and a target, which have one worker at a time. */
export function workerKey({ operation, target }: Pick<WorkerInfo, 'operation' | 'target'>): string {
  return JSON.stringify([operation, target])
}
