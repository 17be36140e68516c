import { AsyncLocalStorage } from 'node:async_hooks'

/** A value that running code and all that it awaits or starts can read, without passing it on. */
export class Ambient<T> {
  readonly #storage = new AsyncLocalStorage<T>()

  run<R>(value: T, body: () => R): R {
    return this.#storage.run(value, body)
  }

  /** Undefined outside. */
  get current(): T | undefined {
    return this.#storage.getStore()
  }
}
