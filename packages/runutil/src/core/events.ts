type Listener<A extends unknown[]> = (...args: A) => void

/**
 * One typed stream of events: what each carries is declared in `M`, as `{ created: [worker: Worker] }`.
 *
 * Not a Node EventEmitter: an `error` that nobody hears throws nothing, and what a listener throws reaches the
 * process as an uncaught exception, never the code that emitted.
 *
 * @example
 * const events = new Events<{ saved: [id: string] }>()
 * const off = events.on('saved', (id) => seen.push(id))
 * events.emit('saved', 'a')
 * off()
 */
export class Events<M extends Record<keyof M, unknown[]>> {
  readonly #listeners = new Map<keyof M, Set<{ readonly call: Listener<unknown[]> }>>()

  /** Calls `listener` with each event of that name from now on; what is returned takes it off again. */
  on<N extends keyof M>(name: N, listener: Listener<M[N]>): () => void {
    let listeners = this.#listeners.get(name)
    if (listeners === undefined) this.#listeners.set(name, (listeners = new Set()))
    // Wrapped, so that one function given twice is two subscriptions.
    const subscription = { call: listener as Listener<unknown[]> }
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
    for (const { call } of [...listeners]) {
      try {
        call(...args)
      } catch (error) {
        queueMicrotask(() => {
          throw error
        })
      }
    }
  }
}
