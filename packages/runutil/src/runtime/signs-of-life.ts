import type { WorkerRecord } from '../core/worker-record.ts'

/** Has a worker and everything beneath it keep the time of their signs of life. What is added later inherits that. */
export function watchSigns(record: WorkerRecord): void {
  record.isWatched = true
  record.signOfLife()
  for (const child of record.children ?? []) watchSigns(child)
}

/** When a watched worker, or any beneath it, last gave a sign of life: now, if one of them has nothing to do. */
export function lastSignOf(record: WorkerRecord): number {
  if (record.mayBeSilent || isIdleGroup(record)) record.signOfLife()
  let last = record.lastSignAt
  for (const child of record.children ?? []) last = Math.max(last, lastSignOf(child))
  return last
}

/** Whether it only waits for a start, or for an end that has a limit of its own. */
function isIdleGroup({ kind, children = [] }: WorkerRecord): boolean {
  return (kind === 'supervisor' || kind === 'class') && !children.some(isUp)
}

function isUp({ kind, state, children = [] }: WorkerRecord): boolean {
  // A class is in the state of those that lag behind.
  if (kind === 'class') return children.some(isUp)
  return state === 'starting' || state === 'ready' || state === 'paused'
}
