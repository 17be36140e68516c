import type { Logger } from 'pino'
import { currentContext, rootLogger } from '../core/context.ts'
import { has } from '../core/has.ts'
import { log } from '../core/log.ts'
import { toError } from '../core/thrown.ts'
import { UncaughtError } from './uncaught.ts'

/**
 * The one line that tells what ended a run, logged before its promise rejects. A run within a worker has none: its error is a
 * failure of that worker. Nor has one that an uncaught error stopped, which has been logged.
 */
export class FatalLine {
  readonly #signal: AbortSignal | undefined
  readonly #isOfWorker = currentContext()?.record !== undefined
  #isLogged = false
  /** Set it as soon as the run's logger is known. */
  logger: Logger

  /** @param options those of the run, before they are checked */
  constructor(options: { logger?: unknown } | undefined, signal: AbortSignal | undefined) {
    this.#signal = signal
    const logger = options?.logger
    this.logger = has(logger, 'child') ? (logger as Logger) : rootLogger()
  }

  /** Runs `body`, and logs what it rejects with if nothing has been logged. */
  async during(body: () => Promise<void>): Promise<void> {
    try {
      await body()
    } catch (error) {
      this.log(toError(error))
      throw error
    }
  }

  log(error: Error, logger = this.logger): void {
    if (this.#isOfWorker || this.#isLogged || this.#signal?.reason instanceof UncaughtError) return
    this.#isLogged = true
    log(logger, 'fatal', { err: error }, 'run failed')
  }
}
