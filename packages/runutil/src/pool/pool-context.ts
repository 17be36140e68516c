import type { Logger } from 'pino'
import type { Clock } from '../core/clock.ts'
import { currentClock, currentLogger } from '../core/context.ts'
import type { WorkerRecord } from '../core/worker-record.ts'
import type { AsyncScope } from '../core/async-scope.ts'

/** The context that a pool and its parts take from the caller of `start`. */
export class PoolContext {
  readonly clock: Clock = currentClock()
  /** Of the group that runs the pool, also where it was started before. */
  logger: Logger = currentLogger()
  /** That of the pool in the group that runs it. */
  record: WorkerRecord | undefined
  /** Of whoever made the pool: processes outlive the task that they were started for, and do those of others. */
  readonly scope: AsyncScope

  constructor(scope: AsyncScope) {
    this.scope = scope
  }
}
