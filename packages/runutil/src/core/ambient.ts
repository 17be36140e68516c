import { AsyncLocalStorage } from 'node:async_hooks'

/** A value that code and everything it awaits or starts can read without passing it on. */
export class Ambient<T> {
  readonly #storage = new AsyncLocalStorage<T>()

  run<R>(value: T, body: () => R): R {
    return this.#storage.run(value, body)
  }

  /** Undefined outside of any `run`. */
  get current(): T | undefined {
    return this.#storage.getStore()
  }
}
