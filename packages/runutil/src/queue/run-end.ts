import { StoreUnavailableError } from '../core/store-unavailable-error.ts'

/** The state of a worker's run: running ─► stopping, on request or after a failure. The first reason wins. */
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

  /** Stops the run after a permanent refusal of the store or an unexpected error. */
  readonly fail = (error: unknown): void => {
    // The store can't be reached while stopping: whatever is still held becomes free when its lease expires.
    if (this.isStopping && error instanceof StoreUnavailableError) return
    this.#failure ??= { error }
    this.stop(error)
  }

  /** @throws the error that the run failed with */
  throwIfFailed(): void {
    if (this.#failure !== undefined) throw this.#failure.error
  }
}
