import type { Logger } from 'pino'
import { currentContext } from '../core/context.ts'
import { shortened } from '../core/describe.ts'
import { macrotask, unrefTimeout } from '../core/event-loop.ts'
import { log } from '../core/log.ts'
import { messageOf, toError } from '../core/thrown.ts'
import { type Failure, failuresIn, WorkerGroupError } from './errors.ts'

/** By Node's names of the events. */
export type UncaughtOrigin = 'uncaughtException' | 'unhandledRejection'

/** What the process exits with at once, when it can't be stopped in order. */
const EXIT_CODE = 1

/** An error that nobody caught, and the stop that it led to. `cause` is what was thrown. */
export class UncaughtError extends Error {
  readonly code = 'ERR_UNCAUGHT'
  readonly origin: UncaughtOrigin
  /** In whose code, where that can be told; else ''. */
  readonly worker: string
  static {
    this.prototype.name = 'UncaughtError'
  }
  constructor(cause: unknown, origin: UncaughtOrigin, worker: string) {
    const where = worker === '' ? '' : ` in ${shortened(worker, 400)}`
    const what = origin === 'uncaughtException' ? 'uncaught exception' : 'unhandled rejection'
    super(`${what}${where}: ${shortened(messageOf(cause), 2_000)}`, { cause })
    this.origin = origin
    this.worker = worker
  }
}

export interface UncaughtErrorsProps {
  readonly logger: () => Logger
  /** Stops all runs. */
  readonly stop: (error: UncaughtError) => void
}

/**
 * Listens to errors that nobody caught, so that the first of them stops the runs in order instead of ending the process at once.
 * Other listeners, as those of an error tracker, hear of them as well. A second one ends the process, and so does the end of the
 * grace period where not all could be stopped.
 */
export class UncaughtErrors {
  readonly #props: UncaughtErrorsProps
  #first: UncaughtError | undefined
  #graceMs = 0
  #isStopped = false

  constructor(props: UncaughtErrorsProps) {
    this.#props = props
  }

  get first(): UncaughtError | undefined {
    return this.#first
  }

  listen(): void {
    process.on('uncaughtException', this.#uncaught)
    process.on('unhandledRejection', this.#unhandled)
  }

  /** Safe to call when it doesn't listen. @param allStopped nothing is left that could not be stopped */
  leave(allStopped: boolean): void {
    this.#isStopped = allStopped
    process.off('uncaughtException', this.#uncaught)
    process.off('unhandledRejection', this.#unhandled)
  }

  /** The longest of the runs counts. */
  allow(graceMs: number): void {
    this.#graceMs = Math.max(this.#graceMs, graceMs)
  }

  readonly #uncaught = (thrown: unknown): void => this.#caught(thrown, 'uncaughtException')
  readonly #unhandled = (thrown: unknown): void => this.#caught(thrown, 'unhandledRejection')

  #caught(thrown: unknown, origin: UncaughtOrigin): void {
    // In strict mode Node tells of a rejection by both events.
    if (this.#first !== undefined && this.#first.cause === thrown) return
    const context = currentContext()
    const logger = context?.logger ?? this.#props.logger()
    const what = origin === 'uncaughtException' ? 'uncaught exception' : 'unhandled rejection'
    if (this.#first !== undefined) {
      log(logger, 'fatal', { err: thrown }, `${what} while stopping: the process exits`)
      process.exit(EXIT_CODE)
    }
    this.#first = new UncaughtError(thrown, origin, context?.name ?? '')
    process.exitCode = EXIT_CODE
    log(logger, 'fatal', { err: thrown }, `${what}: the process stops`)
    unrefTimeout(() => void macrotask().then(() => this.#exitUnlessStopped()), this.#graceMs)
    this.#props.stop(this.#first)
  }

  #exitUnlessStopped(): void {
    if (this.#isStopped) return
    log(
      this.#props.logger(),
      'fatal',
      {},
      'not all could be stopped within the grace period: the process exits',
    )
    process.exit(EXIT_CODE)
  }
}

/** What a run that an uncaught error stopped rejects with: that first, then what went wrong while it stopped. */
export function stoppedBy(uncaught: UncaughtError, thrown: { error: unknown } | undefined): WorkerGroupError {
  const first: Failure = { worker: uncaught.worker, error: uncaught }
  if (thrown === undefined) return new WorkerGroupError([first])
  const { error } = thrown
  const others =
    error instanceof WorkerGroupError ? failuresIn(error) : [{ worker: '', error: toError(error) }]
  return new WorkerGroupError([first, ...others.filter((failure) => failure.error !== uncaught)])
}
