import { brandError } from '../core/brand.ts'
import { shortened } from '../core/describe.ts'
import { messageOf, nameOf } from '../core/thrown.ts'

const LONGEST_MESSAGE = 4_000
/** The length of a name in a message; the error's field has the whole name. */
export const LONGEST_NAME = 400

/** Two workers of one group have the same name, so neither logs nor health could distinguish them. */
export class DuplicateNameError extends Error {
  readonly code = 'ERR_DUPLICATE_NAME'
  readonly worker: string
  static {
    brandError(this, 'DuplicateNameError')
  }
  /** Where the two were decorated or provided, as far as known. */
  readonly places: readonly string[]
  constructor(worker: string, places: readonly string[] = []) {
    const where =
      places.length === 0
        ? ''
        : ` (in ${places.map((place) => shortened(place, LONGEST_NAME)).join(' and ')})`
    super(
      `two workers of this group are named '${shortened(worker, LONGEST_NAME)}'${where}; give each its own name`,
    )
    this.worker = worker
    this.places = places
  }
}

/** A worker returned while its group was still meant to run. */
export class ErrWorkerExitedPrematurely extends Error {
  readonly code = 'ERR_WORKER_EXITED_PREMATURELY'
  /** Its path in the tree: '/Type/Name'. */
  readonly worker: string
  static {
    brandError(this, 'ErrWorkerExitedPrematurely')
  }
  constructor(worker: string) {
    super(
      `worker ${shortened(worker, LONGEST_NAME)} exited prematurely: it returned, but a worker runs until its signal ` +
        'aborts; for work that ends by itself use runAllJobs or repeat',
    )
    this.worker = worker
  }
}

/** The workers that ignored the abort for longer than the grace period. They may still be running. */
export class ShutdownTimeoutError extends Error {
  readonly code = 'ERR_SHUTDOWN_TIMEOUT'
  /** Their paths in the tree; for a class whose disposal took too long, 'disposing Name'. */
  readonly workers: readonly string[]
  /** How long after the abort they were still running. */
  readonly graceMs: number
  static {
    brandError(this, 'ShutdownTimeoutError')
  }
  constructor(workers: readonly string[], graceMs: number) {
    super(`still running ${graceMs} ms after the abort: ${namesIn(workers)}`)
    this.workers = workers
    this.graceMs = graceMs
  }
}

function namesIn(workers: readonly string[]): string {
  const first = workers.slice(0, MOST_LINES).map((name) => shortened(name, LONGEST_NAME))
  const more = workers.length - first.length
  return [...first, ...(more > 0 ? [`${more} more`] : [])].join(', ')
}

/** An error and the worker that it came from. */
export interface Failure {
  readonly worker: string
  readonly error: Error
}

/** At most this many failures are listed in a message; further ones are counted. */
const MOST_LINES = 10
const LONGEST_LINE = 400
/** The longest text of the root cause in a message. */
const LONGEST_FIRST = 2_000

/** All failures of a group: the root cause first, then its consequences. The message lists the first ten. */
export class WorkerGroupError extends AggregateError {
  readonly code = 'ERR_WORKER_GROUP'
  declare errors: Error[]
  /** The name of the worker that each entry of `errors` came from. */
  readonly workers: readonly string[]
  static {
    brandError(this, 'WorkerGroupError')
  }
  constructor(failures: readonly Failure[]) {
    super(
      failures.map(({ error }) => error),
      linesOf(failures),
    )
    this.workers = failures.map(({ worker }) => worker)
  }
}

function linesOf(failures: readonly Failure[]): string {
  const told = failures.slice(0, MOST_LINES)
  const lines = told.map(({ worker, error }, at) =>
    shortened(
      `${worker}: ${messageOf(error) || `${nameOf(error)} without a message`}`,
      at === 0 ? LONGEST_FIRST : LONGEST_LINE,
    ),
  )
  const more = failures.length - told.length
  return [...lines, ...(more > 0 ? [`… and ${more} more, in errors`] : [])].join('\n')
}

/** Each error of a group with the worker that it came from. */
export function failuresIn({ errors, workers }: WorkerGroupError): Failure[] {
  return errors.map((error, at) => ({ worker: workers[at]!, error }))
}

/** Adds the worker's name to the error, hidden where errors are printed or compared. */
export function attribute(error: Error, worker: string): void {
  try {
    if ('worker' in error || !Object.isExtensible(error)) return
    Object.defineProperty(error, 'worker', { value: worker, configurable: true, writable: true })
  } catch {
    // The error may be frozen or a Proxy.
  }
}

/** Why a signal of `shutdownSignal()` aborted. */
export class ShutdownRequestedError extends Error {
  readonly code = 'ERR_SHUTDOWN_REQUESTED'
  readonly signal: NodeJS.Signals
  static {
    brandError(this, 'ShutdownRequestedError')
  }
  constructor(signal: NodeJS.Signals) {
    super(`shutdown requested by ${signal}`)
    this.signal = signal
  }
}

/** Why a worker's signal aborted: another worker of its group was the first to exit. */
export class SiblingExitedError extends Error {
  readonly code = 'ERR_SIBLING_EXITED'
  /** The path of the other worker; its error is the `cause`. */
  readonly worker: string
  static {
    brandError(this, 'SiblingExitedError')
  }
  constructor(worker: string, cause: Error) {
    super(`${shortened(worker, LONGEST_NAME)} exited`, { cause })
    this.worker = worker
  }
}

/** A worker's class cannot be constructed: names the class, the parameter and what to do. */
export class WorkerResolutionError extends Error {
  readonly code = 'ERR_WORKER_RESOLUTION'
  /** The class with the unresolvable parameter: the worker itself or one of its dependencies. */
  readonly className: string
  /** For example `#0 (db)`; undefined when no single parameter is to blame. */
  readonly parameter: string | undefined
  static {
    brandError(this, 'WorkerResolutionError')
  }
  constructor(
    message: string,
    facts: { className: string; parameter?: string | undefined; cause?: unknown },
  ) {
    super(shortened(message, LONGEST_MESSAGE), { cause: facts.cause })
    this.className = facts.className
    this.parameter = facts.parameter
  }
}
