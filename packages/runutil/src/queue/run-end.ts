import { StoreUnavailableError } from '../core/store-unavailable-error.ts'

/** Whether a worker's run goes on: running ─► stopping, told to or after a failure. The first reason wins. */
export class RunEnd {
  readonly #controller = new AbortController()
  #failure: { readonly error: unknown } | undefined

  /** Aborts when the run has to stop. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  get isStopping(): boolean {
    return this.#controller.signal.aborted
  }

  stop(reason: unknown): void {
    if (!this.isStopping) this.#controller.abort(reason)
  }

  /** The store refuses for good, or what should never happen did. */
  readonly fail = (error: unknown): void => {
    // A store that can't be reached when told to stop: nothing is held, or its lease frees it.
    if (this.isStopping && error instanceof StoreUnavailableError) return
    this.#failure ??= { error }
    this.stop(error)
  }

  /** @throws what it failed with */
  throwIfFailed(): void {
    if (this.#failure !== undefined) throw this.#failure.error
  }
}
