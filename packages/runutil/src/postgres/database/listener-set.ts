import { AsyncScope } from '../../core/async-scope.ts'
import { SafeCallback } from '../../core/safe-callback.ts'

/** Callbacks by channel. One that was taken off isn't called again; what one throws is logged, once a callback. */
export class ListenerSet {
  readonly #channels = new Map<string, Set<SafeCallback<[payload: string]>>>()

  get channels(): readonly string[] {
    return [...this.#channels.keys()]
  }

  has(channel: string): boolean {
    return this.#channels.has(channel)
  }

  /** @returns takes it off again */
  add(channel: string, callback: (payload: string) => void): () => void {
    const listeners = this.#channels.get(channel) ?? new Set()
    this.#channels.set(channel, listeners)
    const stores = new AsyncScope()
    // Wrapped, so that one function given twice is two, and none runs in the stores of who happened to connect.
    const inStores = (payload: string): unknown => stores.run(() => callback(payload))
    const listener = new SafeCallback(inStores, 'callback of Database.listen')
    listeners.add(listener)
    return () => {
      listeners.delete(listener)
      if (listeners.size === 0 && this.#channels.get(channel) === listeners) this.#channels.delete(channel)
    }
  }

  clear(): void {
    for (const listeners of this.#channels.values()) listeners.clear()
    this.#channels.clear()
  }

  call(channel: string, payload: string): void {
    const listeners = this.#channels.get(channel) ?? new Set()
    for (const listener of [...listeners]) {
      // An earlier one may have taken it off.
      if (listeners.has(listener)) listener.call(payload)
    }
  }

  callAll(payload: string): void {
    for (const channel of this.channels) this.call(channel, payload)
  }
}
