import type { WorkerRecord } from '../core/worker-record.ts'

/** @param isKept whether to reuse the record of that path from the parent's last run, if there is one */
export function recordBeneath(parent: WorkerRecord, path: string, isKept: boolean): WorkerRecord {
  const { records } = parent
  const known = isKept ? records.get(path) : undefined
  if (known?.parent === parent && !known.isOver) return known
  const record = parent.newChild(path)
  record.isWatched = parent.isWatched
  record.signOfLife()
  records.add(record)
  ;(parent.children ??= []).push(record)
  return record
}

/** Removes the record of a worker whose group has ended from the tree, unless the whole run has ended. */
export function removeRecord(record: WorkerRecord): void {
  if (record.isOver) return
  const { children } = record.parent ?? {}
  if (children?.includes(record) === true) children.splice(children.indexOf(record), 1)
  record.records.remove(record)
  record.emit({ type: 'removed' })
  record.parent?.tally?.remove(record.state)
}

/** The paths of the workers still running; for a supervisor, of its workers. */
export function runningIn(record: WorkerRecord): string[] {
  const beneath = record.kind === 'supervisor' || record.kind === 'class' ? (record.children ?? []) : []
  const running = beneath.filter(isRunning).flatMap(runningIn)
  return running.length === 0 ? [record.path] : running
}

/** Marks it and everything beneath it as abandoned, if still running. */
export function abandon(record: WorkerRecord, forMs: number): void {
  if (record.state !== 'abandoned') record.moveTo('abandoned', { type: 'abandoned', forMs })
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

/** Whether a worker is in a run, which keeps the process alive: what it abandoned must not do so after its end. */
export function isInRun(record: WorkerRecord | undefined): boolean {
  const state = record?.records.root.state
  return state === 'starting' || state === 'ready' || state === 'stopping'
}
