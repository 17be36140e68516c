import { type Context, currentContext } from './context.ts'
import { WorkerRecord } from './worker-record.ts'
import type { HealthState } from './worker-state.ts'
import { type Worker, type WorkerFunc, callWorker } from './worker.ts'

export type { HealthState } from './worker-state.ts'

/**
 * Reports the health of the running worker: 'ok', or 'firing' with an error. `repeat` reports after each run; a worker with a
 * loop of its own calls it once per iteration, which is a sign of life too. Outside a named worker it does nothing.
 */
export function healthCheckpoint(error?: unknown): void {
  const context = currentContext()
  if (context !== undefined) checkpoint(context, error === undefined ? 'ok' : 'firing')
}

/** As `healthCheckpoint`, but no sign of life: of what goes on beside the work, whatever becomes of that. */
export function reportHealth(error?: unknown): void {
  const context = currentContext()
  if (context !== undefined) setHealth(context, error === undefined ? 'ok' : 'firing', true)
}

/** A `healthCheckpoint` of the current worker that can be called from anywhere, later. */
export function healthReporter(): (error?: unknown) => void {
  const context = currentContext()
  return (error) => {
    if (context !== undefined) checkpoint(context, error === undefined ? 'ok' : 'firing')
  }
}

/**
 * The state of every named worker of this run: 'init' until its first checkpoint, then 'ok' or 'firing'.
 *
 * A worker that failed and was restarted is 'ok' again at its next checkpoint; one that makes none, when it has run for longer
 * than the delay before its restart and longer than its previous run (at most 1 m). Workers of inner groups are listed while these
 * run. The snapshot is of the caller's run, so an HTTP endpoint that serves it must be a worker of the group; outside a run it is
 * empty.
 */
export function healthSnapshot(): Record<string, HealthState> {
  const records = currentContext()?.scope.records.values() ?? []
  const listed = Array.from(records).filter(({ isListed }) => isListed)
  return Object.fromEntries(listed.map(({ path, health }) => [path, health]))
}

/**
 * Called by `repeat` after each run, so it allocates nothing when nothing has changed.
 *
 * @param spoke whether the worker itself reported it
 */
export function checkpoint(context: Context, state: HealthState, spoke = true): void {
  context.record?.signOfLife()
  setHealth(context, state, spoke)
}

/** As `checkpoint`, but no sign of life. */
export function setHealth(context: Context, state: HealthState, spoke: boolean): void {
  const { record } = context
  const of = record?.path === context.name ? record : recordOf(context)
  if (of === undefined || of.isOver) return
  of.health = state
  if (spoke) of.spoke = true
  list(of, state)
}

/** A worker without a name of its own is listed under its class's name. */
function list(record: WorkerRecord, state: HealthState): void {
  const { isNamed, parent } = record
  if (isNamed) record.isListed = true
  else if (parent?.kind === 'class') {
    parent.isListed = true
    parent.health = state
  }
}

/** Undefined until it, or its supervisor, has reported its health. */
export function healthOf(context: Context): HealthState | undefined {
  const record = recordOf(context)
  return record?.spoke === true || record?.isListed === true ? record.health : undefined
}

/** The record of the worker of that name, created if needed. */
function recordOf({ scope, name, record }: Context): WorkerRecord | undefined {
  if (name === '' || record?.isOver === true) return undefined
  // The code may run in a group inside of the worker of that name.
  for (let at = record; at !== undefined; at = at.parent) if (at.path === name) return at
  const known = record?.names?.find(({ path }) => path === name)
  if (known !== undefined) return known
  const named = new WorkerRecord(scope.records, record, name)
  scope.records.add(named)
  if (record !== undefined) (record.names ??= []).push(named)
  return named
}

/** Reports the worker as 'init' from its start, and as 'firing' after an error. A restart does not hide 'firing'. */
export function reportingHealth(worker: Worker | WorkerFunc): WorkerFunc {
  return (signal) => {
    const context = currentContext()
    const record = context && recordOf(context)
    if (record === undefined) return callWorker(worker, signal)
    record.isListed = record.isNamed
    return callWorker(worker, signal).catch((error: unknown) => {
      if (!signal.aborted && !record.isOver) record.health = 'firing'
      throw error
    })
  }
}
