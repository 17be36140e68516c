import { AsyncScope } from '../../core/async-scope.ts'
import { SafeCallback } from '../../core/safe-callback.ts'

/** Callbacks by channel. A removed one isn't called again; an error that one throws is logged, once per callback. */
export class ListenerSet {
  readonly #channels = new Map<string, Set<SafeCallback<[payload: string]>>>()

  get channels(): readonly string[] {
    return [...this.#channels.keys()]
  }

  has(channel: string): boolean {
    return this.#channels.has(channel)
  }

  /** @returns removes it */
  add(channel: string, callback: (payload: string) => void): () => void {
    const listeners = this.#channels.get(channel) ?? new Set()
    this.#channels.set(channel, listeners)
    const scope = new AsyncScope()
    // Wrapped, so that one function added twice is called twice, and runs in the async context of the call that added it.
    const inScope = (payload: string): unknown => scope.run(() => callback(payload))
    const listener = new SafeCallback(inScope, 'callback of Database.listen')
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
      // An earlier one may have removed it.
      if (listeners.has(listener)) listener.call(payload)
    }
  }

  callAll(payload: string): void {
    for (const channel of this.channels) this.call(channel, payload)
  }
}
