import { messageOf } from '../core/text.ts'

/** Two workers of one group carry the same name, so neither logs nor health could tell them apart. */
export class DuplicateNameError extends Error {
  readonly code = 'ERR_DUPLICATE_NAME'
  readonly worker: string
  static {
    this.prototype.name = 'DuplicateNameError'
  }
  constructor(worker: string) {
    super(`two workers of this group are named '${worker}'; give each its own name`)
    this.worker = worker
  }
}

/** A worker returned while its group was still meant to run (seed 004). */
export class ErrWorkerExitedPrematurely extends Error {
  readonly code = 'ERR_WORKER_EXITED_PREMATURELY'
  readonly worker: string
  static {
    this.prototype.name = 'ErrWorkerExitedPrematurely'
  }
  constructor(worker: string) {
    super(`worker ${worker} exited prematurely`)
    this.worker = worker
  }
}

/** The workers that ignored the abort for longer than the grace period. They may still be running. */
export class ShutdownTimeoutError extends Error {
  readonly code = 'ERR_SHUTDOWN_TIMEOUT'
  readonly workers: readonly string[]
  readonly graceMs: number
  static {
    this.prototype.name = 'ShutdownTimeoutError'
  }
  constructor(workers: readonly string[], graceMs: number) {
    super(`still running ${graceMs} ms after the abort: ${workers.join(', ')}`)
    this.workers = workers
    this.graceMs = graceMs
  }
}

/** All that went wrong in a group: the root cause first, what followed from it after. */
export class WorkerGroupError extends AggregateError {
  readonly code = 'ERR_WORKER_GROUP'
  declare errors: Error[]
  /** The name of the worker that each entry of `errors` came from. */
  readonly workers: readonly string[]
  static {
    this.prototype.name = 'WorkerGroupError'
  }
  constructor(failures: readonly { worker: string; error: Error }[]) {
    super(
      failures.map(({ error }) => error),
      failures.map(({ worker, error }) => `${worker}: ${messageOf(error)}`).join('\n'),
    )
    this.workers = failures.map(({ worker }) => worker)
  }
}

/** Why a signal of `shutdownSignal()` aborted. */
export class ShutdownRequestedError extends Error {
  readonly code = 'ERR_SHUTDOWN_REQUESTED'
  readonly signal: NodeJS.Signals
  static {
    this.prototype.name = 'ShutdownRequestedError'
  }
  constructor(signal: NodeJS.Signals) {
    super(`shutdown requested by ${signal}`)
    this.signal = signal
  }
}

/** Why a worker's signal aborted: another worker of its group was the first to exit. */
export class SiblingExitedError extends Error {
  readonly code = 'ERR_SIBLING_EXITED'
  readonly worker: string
  static {
    this.prototype.name = 'SiblingExitedError'
  }
  constructor(worker: string, cause: Error) {
    super(`${worker} exited`, { cause })
    this.worker = worker
  }
}

/** A worker's class can't be made: names the class, the parameter and the mend. */
export class WorkerResolutionError extends Error {
  readonly code = 'ERR_WORKER_RESOLUTION'
  /** The class whose constructor can't be satisfied, the worker itself or one of its dependencies. */
  readonly className: string
  /** For example `#0 (db)`; undefined when no single parameter is to blame. */
  readonly parameter: string | undefined
  static {
    this.prototype.name = 'WorkerResolutionError'
  }
  constructor(
    message: string,
    facts: { className: string; parameter?: string | undefined; cause?: unknown },
  ) {
    super(message, { cause: facts.cause })
    this.className = facts.className
    this.parameter = facts.parameter
  }
}
