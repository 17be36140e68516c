import type { WorkerRecord } from '../core/worker-record.ts'

/** Whether it, and all in it that has to be, is ready. @param isMeant it was asked for, also if it is stopped or temporary */
export function isReady(record: WorkerRecord, isMeant: boolean): boolean {
  const { state, isOptional, children = [] } = record
  if (!isMeant && (isOptional || state === 'stopped' || state === 'paused')) return true
  const isUp = state === 'ready' || state === 'paused' || state === 'done' || record.kind === 'class'
  return isUp && children.every((child) => isReady(child, false))
}
