import { type Callback, SafeCallback } from './safe-callback.ts'

/**
 * A typed event emitter: `M` declares the arguments of each event, as `{ created: [worker: Worker] }`.
 *
 * Unlike with Node's EventEmitter, an `error` event without a listener does not throw, and an error that a listener throws or
 * rejects with reaches neither the emitting code nor the process. It is logged, once per listener.
 *
 * @example
 * const events = new Events<{ saved: [id: string] }>()
 * const off = events.on('saved', (id) => seen.push(id))
 * events.emit('saved', 'a')
 * off()
 */
export class Events<M extends Record<keyof M, unknown[]>> {
  readonly #listeners = new Map<keyof M, Set<SafeCallback<unknown[]>>>()

  /** Calls `listener` with each event of that name from now on; the returned function unsubscribes it. */
  on<N extends keyof M>(name: N, listener: Callback<M[N]>): () => void {
    let listeners = this.#listeners.get(name)
    if (listeners === undefined) this.#listeners.set(name, (listeners = new Set()))
    // Wrapped, so that one function given twice is two subscriptions.
    const subscription = new SafeCallback(listener as Callback<unknown[]>, `listener of '${String(name)}'`)
    listeners.add(subscription)
    return () => void listeners.delete(subscription)
  }

  /** Whether the event has a listener: lets a busy emitter avoid creating the arguments. */
  hasListeners(name: keyof M): boolean {
    return (this.#listeners.get(name)?.size ?? 0) > 0
  }

  /** Calls the listeners in the order they were added; one added during the call receives only the next event. */
  emit<N extends keyof M>(name: N, ...args: M[N]): void {
    const listeners = this.#listeners.get(name)
    if (listeners === undefined || listeners.size === 0) return
    for (const listener of [...listeners]) listener.call(...args)
  }
}
