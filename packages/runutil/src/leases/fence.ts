import { AsyncLocalStorage } from 'node:async_hooks'

const storage = new AsyncLocalStorage<number>()

/** Runs `body` so that `currentFence` in it, and in all it awaits, is `fence`. */
export function withFence<T>(fence: number, body: () => T): T {
  return storage.run(fence, body)
}

/**
 * The fencing number of the run that the code is in, as `distributedRepeat` and `singleton` give it; undefined outside.
 *
 * Those of one name only grow. A process that was frozen may go on for a moment after another has taken over: whoever
 * keeps what it writes can tell by the number, and refuse a smaller one than the last.
 */
export function currentFence(): number | undefined {
  return storage.getStore()
}
