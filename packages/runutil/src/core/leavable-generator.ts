/**
 * An async generator that can be left while it waits for its next value: its `return` and `throw` end the wait. Those of a plain
 * generator take effect only once the next value is there, which may be never.
 *
 * @example
 * Readable.from(new LeavableGenerator(changes(signal), () => controller.abort())).destroy()
 */
export class LeavableGenerator<T> implements AsyncGenerator<T, void, undefined> {
  readonly #generator: AsyncGenerator<T, void, undefined>
  readonly #leave: () => void

  /** @param leave ends the wait of `generator`, after which it yields nothing more */
  constructor(generator: AsyncGenerator<T, void, undefined>, leave: () => void) {
    this.#generator = generator
    this.#leave = leave
  }

  next(): Promise<IteratorResult<T, void>> {
    return this.#generator.next()
  }

  return(): Promise<IteratorResult<T, void>> {
    this.#leave()
    return this.#generator.return()
  }

  throw(error: unknown): Promise<IteratorResult<T, void>> {
    this.#leave()
    return this.#generator.throw(error)
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return()
  }
}
