import type { WorkerRecord } from '../core/worker-record.ts'

/** @param isKept the record that the parent's last run had of that path is taken, if there is one */
export function recordBeneath(parent: WorkerRecord, path: string, isKept: boolean): WorkerRecord {
  const { records } = parent
  const known = isKept ? records.get(path) : undefined
  if (known?.parent === parent && !known.isOver) return known
  const record = parent.newChild(path)
  records.add(record)
  ;(parent.children ??= []).push(record)
  return record
}

/** Its group has ended, and is shown no more. */
export function removeRecord(record: WorkerRecord): void {
  const { children } = record.parent ?? {}
  if (children?.includes(record) === true) children.splice(children.indexOf(record), 1)
  record.records.remove(record)
  record.emit({ type: 'removed' })
}

/** The paths of those that still run: of a supervisor, those in it. */
export function runningIn(record: WorkerRecord): string[] {
  const beneath = record.kind === 'supervisor' || record.kind === 'class' ? (record.children ?? []) : []
  const running = beneath.filter(isRunning).flatMap(runningIn)
  return running.length === 0 ? [record.path] : running
}

/** Nobody waits for its end, nor that of those in it. */
export function abandon(record: WorkerRecord, forMs: number): void {
  record.moveTo('abandoned', { type: 'abandoned', forMs })
  for (const child of record.children ?? []) if (isRunning(child)) abandon(child, forMs)
}

function isRunning({ state }: WorkerRecord): boolean {
  return (
    state === 'starting' ||
    state === 'ready' ||
    state === 'paused' ||
    state === 'stopping' ||
    state === 'hung'
  )
}
