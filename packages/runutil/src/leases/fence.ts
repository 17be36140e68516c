import { AsyncLocalStorage } from 'node:async_hooks'

const storage = new AsyncLocalStorage<number>()

/** Runs `body` with `fence` as `currentFence()`, also in everything that it awaits. */
export function withFence<T>(fence: number, body: () => T): T {
  return storage.run(fence, body)
}

/**
 * The fencing token of the current run of a `distributedRepeat` or `singleton`; undefined outside of one.
 *
 * It increases with every acquisition of a name. A suspended process may continue for a moment after another has taken over:
 * store the token with your writes and reject lower ones.
 */
export function currentFence(): number | undefined {
  return storage.getStore()
}
