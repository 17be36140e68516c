import type { Child } from './child.ts'
import { type Failure, ShutdownTimeoutError } from './errors.ts'
import { WorkerHungError, asUnrestartable } from './restart-errors.ts'
import { abandon, runningIn } from './tree-records.ts'

/**
 * Nobody waits any more for those that still run.
 *
 * @param as 'hung': their group would be started again, beside them, so that what comes of it is an error that nobody restarts
 */
export function giveUpLate(late: readonly Child[], as: 'abandon' | 'hung', graceMs: number): Failure {
  const names = late.flatMap(({ record }) => runningIn(record))
  for (const child of late) {
    child.giveUp()
    abandon(child.record, graceMs)
  }
  const worker = names.join(', ')
  const error =
    as === 'hung'
      ? asUnrestartable(new WorkerHungError(worker, graceMs, 'running'))
      : new ShutdownTimeoutError(names, graceMs)
  return { worker, error }
}

/** As that, for one that was told to end, other than with its group. */
export function giveUpStopped(child: Child, cause: Error | undefined, forMs: number): WorkerHungError {
  const [path = child.path] = runningIn(child.record)
  child.giveUp()
  abandon(child.record, forMs)
  return asUnrestartable(new WorkerHungError(path, forMs, 'running', cause))
}
