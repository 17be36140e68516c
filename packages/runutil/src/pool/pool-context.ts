import type { Logger } from 'pino'
import type { Clock } from '../core/clock.ts'
import { currentClock, currentLogger } from '../core/context.ts'
import type { WorkerRecord } from '../core/worker-record.ts'
import type { AsyncScope } from '../core/async-scope.ts'

/** The context that a pool and its parts take from the caller of `start`. */
export class PoolContext {
  readonly clock: Clock = currentClock()
  /** The logger of the group that runs the pool, even if the pool was started before. */
  logger: Logger = currentLogger()
  /** The pool's record in the group that runs it. */
  record: WorkerRecord | undefined
  /** The async scope in which the pool was created: processes outlive the task that they were started for, and perform other tasks. */
  readonly scope: AsyncScope

  constructor(scope: AsyncScope) {
    this.scope = scope
  }
}
