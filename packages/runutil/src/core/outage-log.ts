import type { Logger } from 'pino'
import { currentLogger } from './context.ts'
import { log } from './log.ts'

/** Logs an outage once when it begins and once when it is over, however many tries fail in between. */
export class OutageLog {
  readonly #action: string
  readonly #logger: () => Logger
  #isOngoing = false

  /**
   * @param action what fails during the outage, such as 'look for tasks'
   * @param logger called for each line; default: the logger of the running worker
   */
  constructor(action: string, logger: () => Logger = currentLogger) {
    this.#action = action
    this.#logger = logger
  }

  get isOngoing(): boolean {
    return this.#isOngoing
  }

  /** @param facts logged beside the error */
  failed(error: unknown, facts: object = {}): void {
    if (!this.#isOngoing) log(this.#logger(), 'warn', { err: error, ...facts }, `cannot ${this.#action}`)
    this.#isOngoing = true
  }

  succeeded(): void {
    if (this.#isOngoing) log(this.#logger(), 'info', {}, `recovered: can ${this.#action} again`)
    this.#isOngoing = false
  }
}
