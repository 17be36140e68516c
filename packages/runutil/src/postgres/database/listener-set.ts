/** Callbacks by channel. One that was taken off isn't called again; what one throws reaches the process. */
export class ListenerSet {
  readonly #channels = new Map<string, Set<{ readonly call: (payload: string) => void }>>()

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
    // Wrapped, so that one function given twice is two.
    const listener = { call: callback }
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
      if (listeners.has(listener)) callSafely(listener.call, payload)
    }
  }

  callAll(payload: string): void {
    for (const channel of this.channels) this.call(channel, payload)
  }
}

function callSafely(callback: (payload: string) => void, payload: string): void {
  try {
    callback(payload)
  } catch (error) {
    queueMicrotask(() => {
      throw error
    })
  }
}
