import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks'

/** Nobody hears of its end, which would cost a weak reference each. */
const UNHEARD = { requireManualDestroy: true }

/**
 * The AsyncLocalStorage stores of the moment in which it is made: those of OpenTelemetry, Sentry, nestjs-cls and our own.
 * What is called later, from a timer, a batch or somebody's abort, runs in them, not in those of whoever caused it.
 */
export class AsyncScope extends AsyncResource {
  constructor() {
    super('runutil', UNHEARD)
  }

  run<T>(body: () => T): T {
    return this.runInAsyncScope(body)
  }

  /** As `run`, for what is called again and again: what one call enters, by `enterWith`, the next doesn't find. */
  runFresh<T>(body: () => T): T {
    return scopesRestore ? this.runInAsyncScope(body) : this.runInAsyncScope(inCopy<T>, undefined, body)
  }
}

/** Calls it in the stores there are now, so that what it enters in its turn, by `enterWith`, ends with it. */
export function inNewScope<T>(body: () => T): T {
  return new AsyncScope().run(body)
}

/** Those of whoever imported runutil first; none, in nearly every program. */
export const importScope = new AsyncScope()

function inCopy<T>(body: () => T): T {
  return new AsyncScope().runInAsyncScope(body)
}

/** Whether a scope has its stores again when it is entered a second time, as where Node has AsyncContextFrame (24). */
const scopesRestore = tryScopes()

function tryScopes(): boolean {
  const storage = new AsyncLocalStorage<boolean>()
  const scope = new AsyncResource('runutil', UNHEARD)
  scope.runInAsyncScope(() => storage.enterWith(true))
  const restores = scope.runInAsyncScope(() => storage.getStore()) === undefined
  storage.disable()
  return restores
}
