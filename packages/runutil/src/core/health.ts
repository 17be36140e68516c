import { type Context, currentContext } from './context.ts'
import { type HealthState, WorkerRecord } from './worker-record.ts'
import { type Worker, type WorkerFunc, callWorker } from './worker.ts'

export type { HealthState } from './worker-record.ts'

/**
 * Says how the running worker is: 'ok', or 'firing' with an error. `repeat` says it after each run; a worker with
 * a loop of its own calls it once a round, which is a sign of life too. Outside a named worker it does nothing.
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
 * than the delay before its restart and longer than its previous run (at most 1 m). Names of inner groups are listed while these
 * run. The snapshot is of the caller's run, so an HTTP endpoint that serves it has to be a worker of the group; outside a run it is
 * empty.
 */
export function healthSnapshot(): Record<string, HealthState> {
  const records = currentContext()?.scope.records.values() ?? []
  const listed = Array.from(records).filter(({ isListed }) => isListed)
  return Object.fromEntries(listed.map(({ path, health }) => [path, health]))
}

/**
 * Called by `repeat` after each run, so nothing is made when nothing has changed.
 *
 * @param spoke reported by the worker itself
 */
export function checkpoint(context: Context, state: HealthState, spoke = true): void {
  context.record?.signOfLife()
  setHealth(context, state, spoke)
}

function setHealth(context: Context, state: HealthState, spoke: boolean): void {
  const { record } = context
  const of = record?.path === context.name ? record : recordOf(context)
  if (of === undefined || of.isOver) return
  of.health = state
  if (spoke) of.spoke = true
  list(of, state)
}

/** One without a name of its own is told under that of its class. */
function list(record: WorkerRecord, state: HealthState): void {
  const { isNamed, parent } = record
  if (isNamed) record.isListed = true
  else if (parent?.kind === 'class') {
    parent.isListed = true
    parent.health = state
  }
}

/** Undefined until it, or whoever runs it, has said how it is. */
export function healthOf(context: Context): HealthState | undefined {
  const record = recordOf(context)
  return record?.spoke === true || record?.isListed === true ? record.health : undefined
}

/** What is known of the worker of that name, or is from now on. */
function recordOf({ scope, name, record }: Context): WorkerRecord | undefined {
  if (name === '' || record?.isOver === true) return undefined
  // What runs may be a group inside of the worker of that name.
  for (let at = record; at !== undefined; at = at.parent) if (at.path === name) return at
  const known = record?.names?.find(({ path }) => path === name)
  if (known !== undefined) return known
  const named = new WorkerRecord(scope.records, record, name)
  scope.records.add(named)
  if (record !== undefined) (record.names ??= []).push(named)
  return named
}

/** The worker, known as 'init' from its start on and as 'firing' after an error. A restart hides no 'firing'. */
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
