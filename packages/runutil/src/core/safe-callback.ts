import { currentLogger } from './context.ts'
import { log } from './log.ts'

export type Callback<A extends unknown[]> = (...args: A) => unknown

/** Calls a user's function. The first error that it throws or rejects with is logged; none is rethrown. */
export class SafeCallback<A extends unknown[]> {
  readonly #callback: Callback<A>
  readonly #what: string
  #failed = false

  /** @param what its name in the log, such as "listener of 'saved'" */
  constructor(callback: Callback<A>, what: string) {
    this.#callback = callback
    this.#what = what
  }

  /** @returns what the callback returned; undefined if it threw or returned a promise */
  call(...args: A): unknown {
    try {
      const value = this.#callback(...args)
      if (!isThenable(value)) return value
      // The `then` of a user's promise may throw, or return something else than a promise.
      void Promise.resolve(value).then(undefined, (error: unknown) => this.#log(error))
    } catch (error) {
      this.#log(error)
    }
    return undefined
  }

  #log(error: unknown): void {
    if (this.#failed) return
    this.#failed = true
    const message = `a ${this.#what} failed; further errors of it are not logged`
    log(currentLogger(), 'error', { err: error }, message)
  }
}

function isThenable(value: unknown): boolean {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false
  return typeof (value as { then?: unknown }).then === 'function'
}
