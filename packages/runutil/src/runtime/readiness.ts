import type { WorkerRecord } from '../core/worker-record.ts'

/** Whether a worker and its required descendants are ready. @param isMeant also requires it if it is stopped or temporary */
export function isReady(record: WorkerRecord, isMeant: boolean): boolean {
  const { state, isOptional, children = [] } = record
  if (!isMeant && (isOptional || state === 'stopped' || state === 'paused')) return true
  const isUp = state === 'ready' || state === 'paused' || state === 'done' || record.kind === 'class'
  return isUp && children.every((child) => isReady(child, false))
}
