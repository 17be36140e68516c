import { type Callback, SafeCallback } from './safe-callback.ts'

/**
 * One typed stream of events: what each carries is declared in `M`, as `{ created: [worker: Worker] }`.
 *
 * Not a Node EventEmitter: an `error` that nobody hears throws nothing, and what a listener throws, or what it returns
 * rejects with, reaches neither the code that emitted nor the process. It is logged, once a listener.
 *
 * @example
 * const events = new Events<{ saved: [id: string] }>()
 * const off = events.on('saved', (id) => seen.push(id))
 * events.emit('saved', 'a')
 * off()
 */
export class Events<M extends Record<keyof M, unknown[]>> {
  readonly #listeners = new Map<keyof M, Set<SafeCallback<unknown[]>>>()

  /** Calls `listener` with each event of that name from now on; what is returned takes it off again. */
  on<N extends keyof M>(name: N, listener: Callback<M[N]>): () => void {
    let listeners = this.#listeners.get(name)
    if (listeners === undefined) this.#listeners.set(name, (listeners = new Set()))
    // Wrapped, so that one function given twice is two subscriptions.
    const subscription = new SafeCallback(listener as Callback<unknown[]>, `listener of '${String(name)}'`)
    listeners.add(subscription)
    return () => void listeners.delete(subscription)
  }

  /** Whether anybody would hear it: lets a busy emitter save itself the making of the arguments. */
  heard(name: keyof M): boolean {
    return (this.#listeners.get(name)?.size ?? 0) > 0
  }

  /** Calls the listeners in the order in which they came; one added meanwhile hears only the next event. */
  emit<N extends keyof M>(name: N, ...args: M[N]): void {
    const listeners = this.#listeners.get(name)
    if (listeners === undefined || listeners.size === 0) return
    for (const listener of [...listeners]) listener.call(...args)
  }
}
