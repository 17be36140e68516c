import type { RunControl } from '../core/worker-kind.ts'
import type { WorkerRecord } from '../core/worker-record.ts'
import { NotPausableError } from './control-errors.ts'
import { GroupControl } from './group-control.ts'

/** @throws NotPausableError for a worker whose runs can't be paused, or triggered */
export function checkControl(record: WorkerRecord, control: RunControl): void {
  // A worker that calls `repeat` itself is no repeat, but can what that can.
  const { controls, path, kind } = record
  if (control === 'trigger' ? controls?.trigger !== undefined : controls !== undefined) return
  if (groupOf(record)?.takes(record, control) !== true) throw new NotPausableError(path, kind, control)
}

/**
 * Settles with the run.
 *
 * @param until resolves when `look`, asked at each change, says so
 * @throws NotPausableError when it is stopped or done; the reason to stop of its group
 */
export async function triggerRun(
  record: WorkerRecord,
  until: (look: () => boolean) => Promise<void>,
): Promise<void> {
  // One that fails at once may have stopped before this goes on.
  while (record.controls?.trigger === undefined) await until(() => hasRuns(record))
  await record.controls.trigger()
}

/** Whether it runs now; if not, it will by itself. */
function hasRuns(record: WorkerRecord): boolean {
  const { controls, state, kind, path, isOptional } = record
  if (controls?.trigger !== undefined) return true
  const isOver = state === 'stopped' || state === 'done' || (state === 'failed' && isOptional)
  if (!isOver) return false
  groupOf(record)?.throwIfStopping()
  throw new NotPausableError(path, kind, 'trigger', `it is ${state}; start it first`)
}

/** That of the supervisor that it is a worker of. */
export function groupOf({ parent, owner }: WorkerRecord): GroupControl | undefined {
  const host = parent?.kind === 'class' && parent.host === undefined ? parent.parent?.host : parent?.host
  return host instanceof GroupControl && owner !== undefined ? host : undefined
}
