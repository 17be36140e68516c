import { brandError } from '../core/brand.ts'
import { shared } from '../core/shared.ts'
import { isInstance } from '../core/thrown.ts'
import { shortened } from '../core/describe.ts'
import { LONGEST_NAME, WorkerGroupError } from './errors.ts'

/** More failures than the `intensity` allows: the supervisor gave up. Its `cause` is the last error. */
export class RestartLimitError extends Error {
  readonly code = 'ERR_RESTART_LIMIT'
  /** The path of the worker or supervisor whose `intensity` it was; '' for the root. */
  readonly worker: string
  /** The limit that was exceeded. */
  readonly restarts: number
  readonly withinMs: number
  static {
    brandError(this, 'RestartLimitError')
  }
  constructor(worker: string, limit: { restarts: number; withinMs: number }, cause: Error) {
    const { restarts, withinMs } = limit
    const name = shortened(worker, LONGEST_NAME) || 'the group'
    super(`${name} gave up: it failed again after ${restarts} restarts within ${withinMs} ms`, { cause })
    this.worker = worker
    this.restarts = restarts
    this.withinMs = withinMs
  }
}

/** A worker was not ready within its `startTimeout`. Its `cause` is what the worker threw when it was aborted, if that is another error. */
export class StartTimeoutError extends Error {
  readonly code = 'ERR_START_TIMEOUT'
  readonly worker: string
  readonly timeoutMs: number
  static {
    brandError(this, 'StartTimeoutError')
  }
  constructor(worker: string, timeoutMs: number, options?: ErrorOptions) {
    super(
      `${shortened(worker, LONGEST_NAME)} has not called workerReady() within its startTimeout of ${timeoutMs} ms`,
      options,
    )
    this.worker = worker
    this.timeoutMs = timeoutMs
  }
}

/**
 * A worker gave no sign of life within its `watchdog`, or did not end within its `stopTimeout` after its abort. Its `cause` is what
 * the worker threw when it was aborted, if that is another error, or why it was aborted.
 */
export class WorkerHungError extends Error {
  readonly code = 'ERR_WORKER_HUNG'
  readonly worker: string
  /** For how long it gave no sign of life, or ran on after its abort. */
  readonly forMs: number
  static {
    brandError(this, 'WorkerHungError')
  }
  constructor(worker: string, forMs: number, what: 'silent' | 'running', cause?: Error) {
    const name = shortened(worker, LONGEST_NAME)
    const message =
      what === 'silent'
        ? `${name} hangs: it gave no sign of life for ${forMs} ms`
        : `${name} hangs: still running ${forMs} ms after its abort; what must be killable belongs in a ProcessPool`
    super(message, cause && { cause })
    this.worker = worker
    this.forMs = forMs
  }
}

/** The same failure, with what the worker threw when it was aborted for it. */
export function withCause(
  failure: StartTimeoutError | WorkerHungError,
  cause: Error,
): StartTimeoutError | WorkerHungError {
  if (failure instanceof StartTimeoutError) {
    return new StartTimeoutError(failure.worker, failure.timeoutMs, { cause })
  }
  return new WorkerHungError(failure.worker, failure.forMs, 'silent', cause)
}

const unrestartable = shared('unrestartable', () => new WeakSet<Error>())

/** Marks an error that no supervisor restarts for, because its worker may still be running. */
export function asUnrestartable<E extends Error>(error: E): E {
  unrestartable.add(error)
  return error
}

export function isUnrestartable(error: unknown): boolean {
  if (!isInstance(error, Error)) return false
  if (unrestartable.has(error)) return true
  return isInstance(error, WorkerGroupError) && error.errors.some(isUnrestartable)
}

/** Why a worker's signal aborted: an operator stopped it. */
export class WorkerStoppedError extends Error {
  readonly code = 'ERR_WORKER_STOPPED'
  readonly worker: string
  static {
    brandError(this, 'WorkerStoppedError')
  }
  constructor(worker: string) {
    super(`${shortened(worker, LONGEST_NAME)} was stopped by an operator`)
    this.worker = worker
  }
}
