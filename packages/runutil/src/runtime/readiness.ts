import type { WorkerRecord } from '../core/worker-record.ts'
import { isUp } from '../core/worker-state.ts'
import { entryOf } from './child.ts'

/**
 * Whether a worker and its required descendants are ready; a temporary one is too when it has failed, for then nobody waits for it.
 *
 * @param isMeant also requires it if it is stopped or temporary
 */
export function isReady(record: WorkerRecord, isMeant: boolean): boolean {
  const { state, isOptional, children = [] } = record
  if (!isMeant && (isOptional || state === 'stopped' || state === 'paused')) return true
  if (isOptional && state === 'failed') return true
  return (isUp(state) || record.kind === 'class') && children.every((child) => isReady(child, false))
}

/** The workers beneath that have never been ready. Temporary ones, and those that an operator has stopped, don't count. */
export function* neverReady(record: WorkerRecord): Generator<WorkerRecord> {
  for (const child of record.children ?? []) {
    if (child.isOptional || isStoppedByOperator(child)) continue
    if (!child.wasReady && child.tally === undefined) yield child
    yield* neverReady(child)
  }
}

/**
 * The workers beneath that report their readiness and aren't ready. Those that an operator has stopped or paused, and temporary ones
 * that have failed, don't count.
 */
export function* notReady(record: WorkerRecord): Generator<WorkerRecord> {
  for (const child of record.children ?? []) {
    if (isStoppedByOperator(child) || (child.isOptional && child.state === 'failed')) continue
    if (!isUp(child.state) && reportsReadiness(child)) yield child
    yield* notReady(child)
  }
}

/** These report only that they have begun, or what those beneath them do. */
const WITHOUT_OWN: ReadonlySet<string> = new Set(['repeat', 'cron', 'singleton', 'supervisor', 'class'])

/**
 * Whether a worker's readiness says something about the process: another starts after it, it has a `startTimeout`, or it calls
 * `workerReady()`. A repeat whose run has failed is only in a backoff, and would take each replica out of service at once. What
 * only shows the process to others isn't what it is there for.
 */
function reportsReadiness(record: WorkerRecord): boolean {
  const { first, startTimeoutMs } = entryOf(record)?.spec ?? {}
  if (first === 'itself') return false
  if (record.isAwaited || (record.saidReady && !WITHOUT_OWN.has(record.kind))) return true
  return startTimeoutMs !== undefined
}

function isStoppedByOperator(record: WorkerRecord): boolean {
  return entryOf(record)?.isStopped === true
}
