import type { RunControl } from '../core/worker-kind.ts'
import type { WorkerRecord } from '../core/worker-record.ts'
import { InvalidArgumentError } from '../core/errors.ts'
import { NotPausableError } from './control-errors.ts'
import { GroupControl } from './group-control.ts'

/** @throws NotPausableError for a worker whose runs cannot be paused, or triggered */
export function checkControl(record: WorkerRecord, control: RunControl): void {
  // A worker that calls `repeat` itself is not of kind 'repeat', but has its controls.
  const { controls, path, kind } = record
  if (control === 'trigger' ? controls?.trigger !== undefined : controls !== undefined) return
  if (groupOf(record)?.takes(record, control) !== true) throw new NotPausableError(path, kind, control)
}

/**
 * Settles with the run.
 *
 * @param until resolves when `look`, called at each change, returns true
 * @throws NotPausableError if it is stopped or done; its group's reason to stop
 */
export async function triggerRun(
  record: WorkerRecord,
  until: (look: () => boolean) => Promise<void>,
): Promise<void> {
  // A worker that fails at once may have stopped before this continues.
  while (record.controls?.trigger === undefined) await until(() => hasRuns(record))
  await record.controls.trigger()
}

/** Whether it runs now; if not, it will start by itself. */
function hasRuns(record: WorkerRecord): boolean {
  const { controls, state, kind, path, isOptional } = record
  if (controls?.trigger !== undefined) return true
  const isOver = state === 'stopped' || state === 'done' || (state === 'failed' && isOptional)
  if (!isOver) return false
  groupOf(record)?.throwIfStopping()
  throw new NotPausableError(path, kind, 'trigger', `it is ${state}; start it first`)
}

/** Whether workers belong to it, also while it doesn't run. */
export function isGroup({ kind, host }: WorkerRecord): boolean {
  return kind === 'supervisor' || kind === 'class' || host instanceof GroupControl
}

/** @param what the call, or the path of a worker of the group */
export function notRunning(what: string, { path, kind, state }: WorkerRecord): InvalidArgumentError {
  return new InvalidArgumentError(
    `${what}: expected a group that runs; '${path}', a ${kind}, is ${state}; start it first`,
  )
}

/** The control of the worker's supervisor. */
export function groupOf({ parent, owner }: WorkerRecord): GroupControl | undefined {
  const host = parent?.kind === 'class' && parent.host === undefined ? parent.parent?.host : parent?.host
  return host instanceof GroupControl && owner !== undefined ? host : undefined
}
