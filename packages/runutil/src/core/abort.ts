const subscribers = new WeakMap<AbortSignal, Set<() => void>>()

/**
 * Calls back once when `signal` aborts, at once if it already has. `offAbort` unsubscribes.
 *
 * A signal has one native listener for all subscribers, none without subscribers: an EventTarget walks its whole list
 * for each listener added. Callbacks must not throw, and run in the AsyncLocalStorage stores of the
 * caller of `abort`: to call user code, use a `linkedController`.
 */
export function onAbort(signal: AbortSignal | undefined, callback: () => void): void {
  if (signal?.aborted) callback()
  else if (signal !== undefined) (subscribers.get(signal) ?? subscribe(signal)).add(callback)
}

/** Unsubscribes. Safe to call after the callback was called, and for a callback that never subscribed. */
export function offAbort(signal: AbortSignal | undefined, callback: () => void): void {
  const callbacks = signal && subscribers.get(signal)
  if (callbacks?.delete(callback) && callbacks.size === 0) {
    subscribers.delete(signal!)
    signal!.removeEventListener('abort', fanOut)
  }
}

function subscribe(signal: AbortSignal): Set<() => void> {
  const callbacks = new Set<() => void>()
  subscribers.set(signal, callbacks)
  signal.addEventListener('abort', fanOut, { once: true })
  return callbacks
}

function fanOut(this: AbortSignal): void {
  // A callback that an earlier one unsubscribes is not called.
  for (const callback of subscribers.get(this) ?? []) callback()
  subscribers.delete(this)
}
