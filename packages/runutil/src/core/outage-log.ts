import type { Logger } from 'pino'
import { currentLogger } from './context.ts'
import { log } from './log.ts'

/** Logs an outage once when it begins and once when it is over, however often it is tried in between. */
export class OutageLog {
  readonly #action: string
  readonly #logger: () => Logger
  #isOut = false

  /**
   * @param action what can't be done during the outage, as 'look for tasks'
   * @param logger asked at each line; default: that of the running worker
   */
  constructor(action: string, logger: () => Logger = currentLogger) {
    this.#action = action
    this.#logger = logger
  }

  /** @param facts logged beside the error */
  failed(error: unknown, facts: object = {}): void {
    if (!this.#isOut) log(this.#logger(), 'warn', { err: error, ...facts }, `cannot ${this.#action}`)
    this.#isOut = true
  }

  succeeded(): void {
    if (this.#isOut) log(this.#logger(), 'info', {}, `recovered: can ${this.#action} again`)
    this.#isOut = false
  }
}
