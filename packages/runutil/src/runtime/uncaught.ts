import type { Logger } from 'pino'
import { brandError } from '../core/brand.ts'
import { currentContext } from '../core/context.ts'
import { shortened } from '../core/describe.ts'
import { macrotask, unrefTimeout } from '../core/event-loop.ts'
import { log } from '../core/log.ts'
import { messageOf, toError } from '../core/thrown.ts'
import { type Failure, failuresIn, WorkerGroupError } from './errors.ts'

/** Node's names of the events. */
export type UncaughtOrigin = 'uncaughtException' | 'unhandledRejection'

/** The exit code when an orderly stop fails. */
const EXIT_CODE = 1

/** An uncaught exception or unhandled rejection stopped the process. `cause` is the thrown value. */
export class UncaughtError extends Error {
  readonly code = 'ERR_UNCAUGHT'
  readonly origin: UncaughtOrigin
  /** The worker whose code threw it; '' if unknown. */
  readonly worker: string
  static {
    brandError(this, 'UncaughtError')
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
 * Listens to uncaught errors, so that the first one stops the runs in order instead of ending the process at once. Other
 * listeners, such as an error tracker's, are still called. A second one exits the process, and so does the end of the grace
 * period while workers are still running.
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

  /** Safe to call when not listening. @param allStopped whether all workers have stopped */
  leave(allStopped: boolean): void {
    this.#isStopped = allStopped
    process.off('uncaughtException', this.#uncaught)
    process.off('unhandledRejection', this.#unhandled)
  }

  /** The longest grace period of the runs counts. */
  allow(graceMs: number): void {
    this.#graceMs = Math.max(this.#graceMs, graceMs)
  }

  readonly #uncaught = (thrown: unknown): void => this.#caught(thrown, 'uncaughtException')
  readonly #unhandled = (thrown: unknown): void => this.#caught(thrown, 'unhandledRejection')

  #caught(thrown: unknown, origin: UncaughtOrigin): void {
    // In strict mode Node emits both events for a rejection.
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
      'not all workers stopped within the grace period: the process exits',
    )
    process.exit(EXIT_CODE)
  }
}

/** The rejection of a run that an uncaught error stopped: that error first, then the failures during the stop. */
export function stoppedBy(uncaught: UncaughtError, thrown: { error: unknown } | undefined): WorkerGroupError {
  const first: Failure = { worker: uncaught.worker, error: uncaught }
  if (thrown === undefined) return new WorkerGroupError([first])
  const { error } = thrown
  const others =
    error instanceof WorkerGroupError ? failuresIn(error) : [{ worker: '', error: toError(error) }]
  return new WorkerGroupError([first, ...others.filter((failure) => failure.error !== uncaught)])
}
