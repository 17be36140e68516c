import { currentLogger } from './context.ts'
import { log, logWarning } from './log.ts'

/** Logs that something can't be done when it begins to be so, and when that is over; not each time it is tried. */
export class Trouble {
  readonly #what: string
  #there = false

  /** @param what as in 'cannot look for tasks' */
  constructor(what: string) {
    this.#what = what
  }

  /** It couldn't be done. */
  begins(error: unknown): void {
    if (!this.#there) logWarning(currentLogger(), error, this.#what)
    this.#there = true
  }

  /** It could be done. */
  ends(): void {
    if (this.#there) log(currentLogger(), 'info', {}, `no longer: ${this.#what}`)
    this.#there = false
  }
}
