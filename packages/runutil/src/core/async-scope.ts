import { AsyncResource } from 'node:async_hooks'

/** Emits no destroy hook, which would cost a weak reference each. */
const NO_DESTROY = { requireManualDestroy: true }

/**
 * Captures the AsyncLocalStorage stores when it is created: those of OpenTelemetry, Sentry, nestjs-cls and our own. A later call
 * from a timer, a batch or an abort then runs in these stores, not in those of the code that triggered it.
 */
export class AsyncScope extends AsyncResource {
  constructor() {
    super('runutil', NO_DESTROY)
  }

  run<T>(body: () => T): T {
    return this.runInAsyncScope(body)
  }
}

/** Calls `body` in the current stores, so that stores it enters by `enterWith` end with it. */
export function inNewScope<T>(body: () => T): T {
  return new AsyncScope().run(body)
}

/** The stores in which runutil was imported: none, in nearly every program. */
export const importScope = new AsyncScope()
