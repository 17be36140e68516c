/** What was expected of an argument, what came and how to mend it. */
export class InvalidArgumentError extends TypeError {
  readonly code = 'ERR_INVALID_ARGUMENT'
  static {
    this.prototype.name = 'InvalidArgumentError'
  }
}

/** A duration that is NaN, negative, infinite or unparsable, or an interval of zero. */
export class InvalidDurationError extends RangeError {
  readonly code = 'ERR_INVALID_DURATION'
  static {
    this.prototype.name = 'InvalidDurationError'
  }
}

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

/** A lease of `distributedRepeat` or `singleton` that another may have by now: why a run's signal aborted. */
export class LeaseLostError extends Error {
  readonly code = 'ERR_LEASE_LOST'
  readonly lease: string
  static {
    this.prototype.name = 'LeaseLostError'
  }
  constructor(lease: string) {
    super(`lease ${lease} was lost`)
    this.lease = lease
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
      failures.map(({ worker, error }) => `${worker}: ${error.message}`).join('\n'),
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

/**
 * Whether `error`, anything in its chain of causes or any of its collected errors is a `type`.
 *
 * @example
 * errorIs(groupError, ErrWorkerExitedPrematurely)
 */
export function errorIs(error: unknown, type: abstract new (...args: never[]) => unknown): boolean {
  const seen = new Set<unknown>()
  const open = [error]
  while (open.length > 0) {
    const next = open.pop()
    if (next instanceof type) return true
    if (typeof next !== 'object' || next === null || seen.has(next)) continue
    seen.add(next)
    const { cause, errors } = next as { cause?: unknown; errors?: unknown }
    open.push(cause)
    if (Array.isArray(errors)) open.push(...(errors as unknown[]))
  }
  return false
}

/** An Error as it is; anything else wrapped, the value kept as `cause`. */
export function toError(thrown: unknown): Error {
  if (thrown instanceof Error) return thrown
  return new Error(`a non-Error was thrown: ${describe(thrown)}`, { cause: thrown })
}

/**
 * The error for an argument of the wrong kind.
 *
 * @param what the call and argument; the message begins with it
 * @param mend what to do about it, after a semicolon
 */
export function unexpected(what: string, expected: string, got: unknown, mend = ''): InvalidArgumentError {
  return new InvalidArgumentError(`${what}: expected ${expected}; got ${describe(got)}${mend}`)
}

/** A value as an error message shows it: short, with its kind. */
export function describe(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value)
  if (typeof value === 'function') return `function ${value.name || '(anonymous)'}`
  if (typeof value !== 'object' || value === null) return String(value)
  if (Array.isArray(value)) return `an array of ${value.length}`
  const keys = Object.keys(value).slice(0, 5).join(', ')
  const type = (value.constructor as { name?: string } | undefined)?.name
  return type && type !== 'Object' ? `an instance of ${type}` : `an object { ${keys} }`
}
