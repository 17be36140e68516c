import type { WorkerRecord } from '../core/worker-record.ts'
import type { Child } from './child.ts'
import { type Failure, ShutdownTimeoutError } from './errors.ts'
import { WorkerHungError, asUnrestartable } from './restart-errors.ts'
import { abandon, runningIn } from './tree-records.ts'

/**
 * Stops waiting for children that are still running.
 *
 * @param as 'hung': their group could be restarted beside them, so the error is one that no supervisor restarts
 * @param forMs how long they had
 */
export function giveUpLate(late: readonly Child[], as: 'abandon' | 'hung', forMs: number): Failure {
  const names = late.flatMap(({ record }) => runningIn(record))
  if (as === 'hung') escalate(late[0]!.record, names)
  for (const child of late) {
    child.giveUp()
    abandon(child.record, forMs)
  }
  const worker = names.join(', ')
  const error =
    as === 'hung'
      ? asUnrestartable(new WorkerHungError(worker, forMs, 'running'))
      : new ShutdownTimeoutError(names, forMs)
  return { worker, error }
}

/** As `giveUpLate`, for a child that was stopped apart from its group. */
export function giveUpStopped(child: Child, cause: Error | undefined, forMs: number): WorkerHungError {
  const [path = child.path] = runningIn(child.record)
  escalate(child.record, [path])
  child.record.health = 'firing'
  child.giveUp()
  abandon(child.record, forMs)
  return asUnrestartable(new WorkerHungError(path, forMs, 'running', cause))
}

/** No restart helps any more: the run fails, and the process should be replaced. */
function escalate({ records }: WorkerRecord, paths: readonly string[]): void {
  for (const path of paths) records.hung.add(path)
}
