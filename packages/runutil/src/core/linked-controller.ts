import { setMaxListeners } from 'node:events'
import { offAbort, onAbort } from './abort.ts'
import { AsyncScope } from './async-scope.ts'

/** A controller that aborts with its parent, for the same reason, until it is disposed of. */
export interface LinkedController {
  readonly signal: AbortSignal
  abort(reason: unknown): void
  /** Unsubscribes from the parent; the signal stays as it is. */
  dispose(): void
}

/**
 * Does what `AbortSignal.any` does, without its leak of 58 MB per 50,000 signals with listeners.
 *
 * Listeners of the signal run in the AsyncLocalStorage stores in which the controller was created, not in those of the aborter.
 */
export function linkedController(parent?: AbortSignal): LinkedController {
  const controller = new AbortController()
  const stores = new AsyncScope()
  // Many listeners may share this signal; Node 20 warns at the eleventh.
  setMaxListeners(0, controller.signal)
  const abort = (reason: unknown): void => stores.run(() => controller.abort(reason))
  const follow = (): void => abort(parent?.reason)
  onAbort(parent, follow)
  return {
    signal: controller.signal,
    abort,
    dispose: () => offAbort(parent, follow),
  }
}
